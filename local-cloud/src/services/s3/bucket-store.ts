import type {
  CORSRule,
  LifecycleRule,
  OwnershipControls,
  PublicAccessBlockConfiguration,
  ServerSideEncryptionConfiguration,
  TransitionDefaultMinimumObjectSize,
} from '@aws-sdk/client-s3';
import type { Store } from '../../store/store.js';
import { noSuchBucket } from './errors.js';

/** A bucket and its configuration. */
export interface Bucket {
  readonly name: string;
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Undefined: versioning was never enabled. */
  readonly versioning?: 'Enabled' | 'Suspended';
  readonly encryption: ServerSideEncryptionConfiguration;
  readonly publicAccessBlock?: PublicAccessBlockConfiguration;
  readonly ownershipControls?: OwnershipControls;
  /** The bucket policy as it was given: JSON text. */
  readonly policy?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly cors?: readonly CORSRule[];
  readonly lifecycle?: {
    readonly rules: LifecycleRule[];
    readonly minimumSize: TransitionDefaultMinimumObjectSize | undefined;
  };
}

/** The buckets of the account, by name. */
export interface BucketStore {
  find(name: string): Bucket | undefined;
  /** @throws AwsError `NoSuchBucket`. */
  get(name: string): Bucket;
  put(bucket: Bucket): void;
  /** Changes parts of a bucket's configuration; `undefined` takes a part away. */
  change(name: string, change: Partial<Omit<Bucket, 'name'>>): void;
  delete(name: string): void;
  /** In order of their names. */
  all(): Bucket[];
}

/** What S3 gives a new bucket (since 2023): encrypted with its own keys, closed to the public, no ACLs. */
export const NEW_BUCKET = {
  encryption: {
    Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }],
  },
  publicAccessBlock: {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  },
  ownershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
} satisfies Partial<Bucket>;

export function bucketStore(store: Store): BucketStore {
  const buckets = store.table<Bucket>('s3.buckets');
  const get = (name: string) => {
    const bucket = buckets.get(name);
    if (!bucket) throw noSuchBucket(name);
    return bucket;
  };
  return {
    find: (name) => buckets.get(name),
    get,
    put: (bucket) => buckets.put(bucket.name, bucket),
    change: (name, change) =>
      store.transaction(() => {
        const changed = Object.entries({ ...get(name), ...change }).filter(
          ([, value]) => value !== undefined,
        );
        buckets.put(name, Object.fromEntries(changed) as unknown as Bucket);
      }),
    delete: (name) => {
      buckets.delete(name);
    },
    all: () => [...buckets.entries()].map(([, bucket]) => bucket),
  };
}

/** The algorithm that objects of a bucket are said to be encrypted with unless they ask for another one. */
export function defaultEncryption(
  bucket: Bucket,
): 'AES256' | 'aws:kms' | 'aws:kms:dsse' | 'aws:fsx' | 'aws:backup' {
  return bucket.encryption.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ?? 'AES256';
}
