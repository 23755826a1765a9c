import { AwsError } from '../../errors.js';
import { PolicyDocumentError, parsePolicyDocument } from '../../policy/index.js';
import { tagList } from '../../tags.js';
import { bucketArn } from './arns.js';
import { type Bucket, NEW_BUCKET } from './bucket-store.js';
import { notBuilt } from './errors.js';
import { BUCKET_TAG_LIMIT, tagsFromSet } from './object-description.js';
import { isPublicPolicy } from './public-policy.js';
import type { S3Operations, S3State } from './state.js';

/** Versioning, encryption, public access block, ownership, policy, tags and lifecycle of buckets. */
export function bucketConfiguration({ buckets }: S3State): S3Operations {
  const missing = (code: string, message: string, bucket: Bucket) =>
    new AwsError(code, message, 404, { BucketName: bucket.name });

  return {
    GetBucketVersioning: ({ Bucket: name = '' }) => ({ Status: buckets.get(name).versioning }),
    PutBucketVersioning({ Bucket: name = '', VersioningConfiguration: configuration }) {
      const status = configuration?.Status;
      if (status !== 'Enabled' && status !== 'Suspended') throw malformedXml();
      if (configuration?.MFADelete === 'Enabled') throw notBuilt('MFA delete');
      buckets.change(name, { versioning: status });
      return {};
    },

    GetBucketEncryption: ({ Bucket: name = '' }) => ({
      ServerSideEncryptionConfiguration: buckets.get(name).encryption,
    }),
    PutBucketEncryption({ Bucket: name = '', ServerSideEncryptionConfiguration: encryption }) {
      if (!encryption?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm) throw malformedXml();
      buckets.change(name, { encryption });
      return {};
    },
    DeleteBucketEncryption({ Bucket: name = '' }) {
      buckets.change(name, { encryption: NEW_BUCKET.encryption });
      return {};
    },

    GetPublicAccessBlock({ Bucket: name = '' }) {
      const bucket = buckets.get(name);
      const { publicAccessBlock } = bucket;
      if (!publicAccessBlock) {
        throw missing(
          'NoSuchPublicAccessBlockConfiguration',
          'The public access block configuration was not found',
          bucket,
        );
      }
      return { PublicAccessBlockConfiguration: publicAccessBlock };
    },
    PutPublicAccessBlock({ Bucket: name = '', PublicAccessBlockConfiguration: given = {} }) {
      buckets.change(name, { publicAccessBlock: completeAccessBlock(given) });
      return {};
    },
    DeletePublicAccessBlock({ Bucket: name = '' }) {
      buckets.change(name, { publicAccessBlock: undefined });
      return {};
    },

    GetBucketOwnershipControls({ Bucket: name = '' }) {
      const bucket = buckets.get(name);
      if (!bucket.ownershipControls) {
        throw missing(
          'OwnershipControlsNotFoundError',
          'The bucket ownership controls were not found',
          bucket,
        );
      }
      return { OwnershipControls: bucket.ownershipControls };
    },
    PutBucketOwnershipControls({ Bucket: name = '', OwnershipControls: ownershipControls }) {
      if (ownershipControls?.Rules?.length !== 1) throw malformedXml();
      buckets.change(name, { ownershipControls });
      return {};
    },
    DeleteBucketOwnershipControls({ Bucket: name = '' }) {
      buckets.change(name, { ownershipControls: undefined });
      return {};
    },

    GetBucketPolicy({ Bucket: name = '' }) {
      const bucket = buckets.get(name);
      if (bucket.policy === undefined) {
        throw missing('NoSuchBucketPolicy', 'The bucket policy does not exist', bucket);
      }
      return { Policy: bucket.policy };
    },
    PutBucketPolicy({ Bucket: name = '', Policy: policy = '' }) {
      checkBucketPolicy(buckets.get(name), policy);
      buckets.change(name, { policy });
      return {};
    },
    DeleteBucketPolicy({ Bucket: name = '' }) {
      buckets.change(name, { policy: undefined });
      return {};
    },
    GetBucketPolicyStatus({ Bucket: name = '' }) {
      const bucket = buckets.get(name);
      if (bucket.policy === undefined) {
        throw missing('NoSuchBucketPolicy', 'The bucket policy does not exist', bucket);
      }
      return { PolicyStatus: { IsPublic: isPublicPolicy(parsePolicyDocument(bucket.policy, 'resource')) } };
    },

    GetBucketTagging({ Bucket: name = '' }) {
      const bucket = buckets.get(name);
      if (!bucket.tags) throw missing('NoSuchTagSet', 'The TagSet does not exist', bucket);
      return { TagSet: tagList(bucket.tags) };
    },
    PutBucketTagging({ Bucket: name = '', Tagging: tagging }) {
      buckets.change(name, { tags: tagsFromSet(tagging?.TagSet ?? [], BUCKET_TAG_LIMIT) });
      return {};
    },
    DeleteBucketTagging({ Bucket: name = '' }) {
      buckets.change(name, { tags: undefined });
      return {};
    },

    GetBucketLifecycleConfiguration({ Bucket: name = '' }) {
      const bucket = buckets.get(name);
      if (!bucket.lifecycle) {
        throw missing('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist', bucket);
      }
      return {
        Rules: bucket.lifecycle.rules,
        TransitionDefaultMinimumObjectSize: bucket.lifecycle.minimumSize,
      };
    },
    PutBucketLifecycleConfiguration(input) {
      const rules = input.LifecycleConfiguration?.Rules ?? [];
      if (rules.length === 0 || rules.length > 1000) throw malformedXml();
      const minimumSize = input.TransitionDefaultMinimumObjectSize ?? 'all_storage_classes_128K';
      const named = rules.map((rule, index) => ({ ...rule, ID: rule.ID ?? `rule-${index + 1}` }));
      if (new Set(named.map(({ ID }) => ID)).size < named.length) {
        throw new AwsError('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule');
      }
      buckets.change(input.Bucket ?? '', { lifecycle: { rules: named, minimumSize } });
      return { TransitionDefaultMinimumObjectSize: minimumSize };
    },
    DeleteBucketLifecycle({ Bucket: name = '' }) {
      buckets.change(name, { lifecycle: undefined });
      return {};
    },
  };
}

/**
 * Checks a bucket policy before it is kept.
 *
 * @throws AwsError `MalformedPolicy`, or `AccessDenied` when it is public and the bucket blocks such policies.
 */
export function checkBucketPolicy(bucket: Bucket, text: string): void {
  if (!text.trimStart().startsWith('{')) {
    throw new AwsError('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'");
  }
  if (Buffer.byteLength(text) > 20 * 1024) {
    throw new AwsError('PolicyTooLarge', 'Policy exceeds the maximum allowed document size.');
  }
  try {
    const policy = parsePolicyDocument(text, 'resource');
    const own = bucketArn(bucket.name);
    for (const { resources, actions } of policy.statements) {
      const isOwn = (pattern: string) => pattern === own || pattern.startsWith(`${own}/`);
      if (!resources?.patterns.every(isOwn)) throw new PolicyDocumentError('Policy has invalid resource');
      if (!actions.patterns.every((action) => action === '*' || /^s3:/i.test(action))) {
        throw new PolicyDocumentError('Policy has invalid action');
      }
    }
    if (bucket.publicAccessBlock?.BlockPublicPolicy && isPublicPolicy(policy)) {
      throw new AwsError(
        'AccessDenied',
        `User is not authorized to perform: s3:PutBucketPolicy on resource: "${own}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
        403,
      );
    }
  } catch (error) {
    if (!(error instanceof PolicyDocumentError)) throw error;
    throw new AwsError('MalformedPolicy', error.message);
  }
}

/** The four settings, those that were not given as false. */
export function completeAccessBlock(given: NonNullable<Bucket['publicAccessBlock']>) {
  return {
    BlockPublicAcls: given.BlockPublicAcls ?? false,
    IgnorePublicAcls: given.IgnorePublicAcls ?? false,
    BlockPublicPolicy: given.BlockPublicPolicy ?? false,
    RestrictPublicBuckets: given.RestrictPublicBuckets ?? false,
  };
}

function malformedXml(): AwsError {
  return new AwsError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
}
