import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { objectKeys } from '@mooring/contracts';
import type { FunctionBundle } from './bundle.js';

/**
 * Uploads a function's bundle under a key that its content decides, unless it is there already.
 *
 * @returns whether it was uploaded.
 */
export async function uploadFunction(s3: S3Client, bucket: string, bundle: FunctionBundle): Promise<boolean> {
  const object = { Bucket: bucket, Key: objectKeys.functionBundle(bundle.name, bundle.sha256) };
  try {
    await s3.send(new HeadObjectCommand(object));
    return false;
  } catch (error) {
    if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 404) throw error;
  }
  await s3.send(new PutObjectCommand({ ...object, Body: bundle.zip, ContentType: 'application/zip' }));
  return true;
}
