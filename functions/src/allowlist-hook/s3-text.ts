import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/**
 * Reads an object as text.
 *
 * @throws the S3 client's error. Where the caller may not list the bucket, S3 answers a missing object with
 *   `AccessDenied` and not with `NoSuchKey`.
 */
export async function readText(s3: Pick<S3Client, 'send'>, bucket: string, key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Body === undefined ? '' : Body.transformToString('utf-8');
}
