import { bucketNames } from '@mooring/contracts';
import { Bucket, BucketPolicy } from '@pulumi/aws-native/s3/index.js';
import { bucketArn, type Place } from './place.js';
import { policyDocument } from './policy-document.js';

export interface Storage {
  readonly provisioning: Bucket;
  readonly artifacts: Bucket;
}

/**
 * The buckets: what devices need to be provisioned, and the artifacts of their components.
 *
 * @param requireTls whether requests without TLS are denied; only a cloud that speaks nothing but HTTP, on the
 *   loopback interface, can do without.
 */
export function storage(place: Place, requireTls: boolean): Storage {
  const names = bucketNames(place.account, place.region);
  const provisioning = privateBucket('provisioning', names.provisioning);
  const artifacts = privateBucket('artifacts', names.artifacts);
  if (requireTls) {
    denyPlainHttp(place, 'provisioning', names.provisioning, provisioning);
    denyPlainHttp(place, 'artifacts', names.artifacts, artifacts);
  }
  return { provisioning, artifacts };
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

function denyPlainHttp(place: Place, name: string, bucketName: string, bucket: Bucket): void {
  new BucketPolicy(
    `${name}-bucket-policy`,
    {
      bucket: bucketName,
      policyDocument: policyDocument({
        Sid: 'OnlyOverTls',
        Effect: 'Deny',
        Principal: '*',
        Action: ['s3:*'],
        Resource: [bucketArn(place, bucketName), bucketArn(place, bucketName, '*')],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    },
    { dependsOn: [bucket] },
  );
}
