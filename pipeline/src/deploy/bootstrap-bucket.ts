import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { MooringError } from '../errors.js';

/**
 * Makes the bucket that must be there before the infrastructure program can run, if it is missing: private,
 * encrypted and versioned, as a step of its own because the program's state and code are kept in it.
 *
 * @throws MooringError `BucketTaken` when the name belongs to another account.
 */
export async function ensureBootstrapBucket(s3: S3Client, bucket: string, region: string): Promise<void> {
  if (!(await exists(s3, bucket))) {
    await s3.send(
      new CreateBucketCommand({
        Bucket: bucket,
        // S3's first region is the one that must not be named.
        ...(region !== 'us-east-1' && {
          CreateBucketConfiguration: { LocationConstraint: region as never },
        }),
      }),
    );
  }
  // Versioning is set last, so it tells whether an earlier run came to the end of this list.
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }));
  if (Status === 'Enabled') return;
  await s3.send(
    new PutPublicAccessBlockCommand({
      Bucket: bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    }),
  );
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket: bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    }),
  );
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
}

/** The bucket cannot be used. */
export function bucketTaken(bucket: string): MooringError {
  return new MooringError(
    'BucketTaken',
    `The bucket ${bucket} is not this account's, or these credentials may not use it`,
  );
}

async function exists(s3: S3Client, bucket: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    switch (error.$metadata.httpStatusCode) {
      case 404:
        return false;
      case 403:
        throw bucketTaken(bucket);
      default:
        throw error;
    }
  }
}
