import { bucketNames } from '@mooring/contracts';
import { Bucket, BucketPolicy } from '@pulumi/aws-native/s3/index.js';
import { bucketArn, type Place } from './place.js';
import { policyDocument } from './policy-document.js';

export interface Storage {
  readonly provisioning: Bucket;
  readonly artifacts: Bucket;
}

/** The buckets: what devices need to be provisioned, and the artifacts of their components. */
export function storage(place: Place): Storage {
  const names = bucketNames(place.account, place.region);
  return {
    provisioning: privateBucket(place, 'provisioning', names.provisioning),
    artifacts: privateBucket(place, 'artifacts', names.artifacts),
  };
}

/** A bucket that is encrypted, keeps old versions, belongs to its account alone and answers only over TLS. */
function privateBucket(place: Place, name: string, bucketName: string): Bucket {
  const bucket = new Bucket(`${name}-bucket`, {
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
  return bucket;
}
