import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** A client of the function's own region and credentials. */
export function s3Client(config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    ...config,
    // Host names of buckets resolve at AWS; below another endpoint the bucket stands in the path.
    forcePathStyle:
      process.env.AWS_ENDPOINT_URL !== undefined || process.env.AWS_ENDPOINT_URL_S3 !== undefined,
  });
}
