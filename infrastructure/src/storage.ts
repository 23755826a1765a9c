import { bucketNames } from '@mooring/contracts';
import { Bucket, BucketPolicy } from '@pulumi/aws-native/s3/index.js';
import { all, type Output } from '@pulumi/pulumi';
import { bucketArn, type Place } from './place.js';
import { policyDocument, type Statement } from './policy-document.js';

export interface Storage {
  readonly provisioning: Bucket;
  readonly artifacts: Bucket;
  readonly images: Bucket;
  /** Its policy is for `bucketPolicy` to make. */
  readonly dashboard: Bucket;
}

/**
 * The buckets: what devices need to be provisioned, the artifacts of their components, the images that they boot, the
 * files of the web page.
 */
export function storage(place: Place): Storage {
  const names = bucketNames(place.account, place.region);
  const provisioning = privateBucket('provisioning', names.provisioning);
  const artifacts = privateBucket('artifacts', names.artifacts);
  bucketPolicy(place, 'provisioning', names.provisioning, provisioning);
  const images = privateBucket('images', names.images);
  bucketPolicy(place, 'artifacts', names.artifacts, artifacts);
  bucketPolicy(place, 'images', names.images, images);
  return { provisioning, artifacts, dashboard: privateBucket('dashboard', names.dashboard), images };
}

/** A bucket that is encrypted, keeps old versions and belongs to its account alone. */
function privateBucket(name: string, bucketName: string): Bucket {
  return new Bucket(`${name}-bucket`, {
    bucketName,
    bucketEncryption: {
      serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
    },
    ownershipControls: { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] },
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    versioningConfiguration: { status: 'Enabled' },
  });
}

/** Has a bucket answer over TLS only, and to those whom `allowed` names besides its account. */
export function bucketPolicy(
  place: Place,
  name: string,
  bucketName: string,
  bucket: Bucket,
  allowed: readonly Output<Statement>[] = [],
): void {
  const onlyOverTls: Statement = {
    Sid: 'OnlyOverTls',
    Effect: 'Deny',
    Principal: '*',
    Action: ['s3:*'],
    Resource: [bucketArn(place, bucketName), bucketArn(place, bucketName, '*')],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
  new BucketPolicy(
    `${name}-bucket-policy`,
    {
      bucket: bucketName,
      policyDocument: all([...allowed]).apply((statements) => policyDocument(onlyOverTls, ...statements)),
    },
    { dependsOn: [bucket] },
  );
}
