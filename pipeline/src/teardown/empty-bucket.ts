import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  NoSuchBucket,
  type S3Client,
} from '@aws-sdk/client-s3';
import { MooringError } from '../errors.js';

/**
 * Deletes every version of every object of a bucket, without which a bucket cannot be deleted. That there is no such
 * bucket is no failure.
 *
 * @returns how many versions and delete markers went.
 * @throws MooringError `BucketNotEmptied` naming the first object that stayed.
 */
export async function emptyBucket(s3: S3Client, bucket: string): Promise<number> {
  let deleted = 0;
  try {
    // What was listed is gone, so the first page is always the next one.
    for (;;) {
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 1000 }));
      const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
        Key,
        VersionId,
      }));
      if (Objects.length === 0) return deleted;
      const { Errors = [] } = await s3.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors;
      if (first) {
        throw new MooringError(
          'BucketNotEmptied',
          `The object ${first.Key} of the bucket ${bucket} could not be deleted (${first.Code}: ${first.Message}): delete it, and run this again`,
        );
      }
      deleted += Objects.length;
    }
  } catch (error) {
    if (error instanceof NoSuchBucket) return deleted;
    throw error;
  }
}
