import { AwsError } from '../../errors.js';
import { isBucketName } from './addressing.js';
import { bucketArn } from './arns.js';
import { type Bucket, NEW_BUCKET } from './bucket-store.js';
import { notBuilt } from './errors.js';
import { checkAcl } from './object-description.js';
import { ownerId } from './object-listings.js';
import type { S3Operations, S3State } from './state.js';

/** CreateBucket, HeadBucket, DeleteBucket, ListBuckets, GetBucketLocation. */
export function bucketOperations(state: S3State): S3Operations {
  const { buckets, base } = state;
  return {
    CreateBucket(input, { region }) {
      const { Bucket: name = '' } = input;
      checkLocation(input.CreateBucketConfiguration?.LocationConstraint, region);
      if (input.ObjectLockEnabledForBucket) throw notBuilt('Object Lock');
      const ownershipControls = input.ObjectOwnership
        ? { Rules: [{ ObjectOwnership: input.ObjectOwnership }] }
        : NEW_BUCKET.ownershipControls;
      checkAcl({ ownershipControls }, input.ACL);
      createBucket(state, { name, region, ownershipControls });
      return { Location: region === 'us-east-1' ? `/${name}` : `http://${name}.s3.amazonaws.com/` };
    },

    HeadBucket({ Bucket: name = '' }) {
      const { region } = buckets.get(name);
      return { BucketRegion: region, BucketArn: bucketArn(name), AccessPointAlias: false };
    },

    DeleteBucket({ Bucket: name = '' }) {
      deleteBucket(state, name);
      return {};
    },

    ListBuckets({ Prefix = '', MaxBuckets = 10_000, ContinuationToken, BucketRegion }) {
      const all = buckets
        .all()
        .filter(({ name, region }) => name.startsWith(Prefix) && (!BucketRegion || region === BucketRegion))
        .filter(({ name }) => ContinuationToken === undefined || name > ContinuationToken);
      const page = all.slice(0, MaxBuckets);
      return {
        Buckets: page.map(({ name, region, created }) => ({
          Name: name,
          CreationDate: new Date(created),
          BucketRegion: region,
          BucketArn: bucketArn(name),
        })),
        Owner: { ID: ownerId(base.accountId) },
        Prefix: Prefix || undefined,
        ContinuationToken: all.length > page.length ? page.at(-1)?.name : undefined,
      };
    },

    GetBucketLocation({ Bucket: name = '' }) {
      const { region } = buckets.get(name);
      // The oldest region is told as nothing (S3 API reference, `GetBucketLocation`).
      return { LocationConstraint: region === 'us-east-1' ? undefined : (region as 'eu-central-1') };
    },
  };
}

/** Makes a bucket. @throws AwsError `InvalidBucketName`, `BucketAlreadyOwnedByYou`. */
export function createBucket(
  { buckets, base }: S3State,
  bucket: Pick<Bucket, 'name' | 'region'> & Partial<Bucket>,
): void {
  const { name, region } = bucket;
  if (!isBucketName(name)) {
    throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', 400, { BucketName: name });
  }
  const existing = buckets.find(name);
  if (existing) {
    // In its oldest region S3 says yes again to a bucket that the caller has already.
    if (region === 'us-east-1' && existing.region === region) return;
    throw new AwsError(
      'BucketAlreadyOwnedByYou',
      'Your previous request to create the named bucket succeeded and you already own it.',
      409,
      { BucketName: name },
    );
  }
  buckets.put({ ...NEW_BUCKET, created: base.clock.now(), ...bucket });
}

/** Deletes an empty bucket, and uploads to it that were never completed. @throws AwsError `BucketNotEmpty`. */
export function deleteBucket({ buckets, objects, uploads, blobs }: S3State, name: string): void {
  buckets.get(name);
  blobs.commit(() => {
    if (!objects.isEmpty(name)) {
      throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409, {
        BucketName: name,
      });
    }
    for (const upload of uploads.list(name)) uploads.remove(upload);
    buckets.delete(name);
  });
}

/** A bucket is made in the region of the endpoint, and everywhere but in the oldest region that must be said. */
function checkLocation(constraint: string | undefined, region: string): void {
  if (constraint === 'us-east-1') {
    throw new AwsError('InvalidLocationConstraint', 'The specified location-constraint is not valid', 400, {
      LocationConstraint: constraint,
    });
  }
  const wanted = constraint === 'EU' ? 'eu-west-1' : (constraint ?? 'us-east-1');
  if (wanted === region) return;
  throw new AwsError(
    'IllegalLocationConstraintException',
    `The ${constraint ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}
