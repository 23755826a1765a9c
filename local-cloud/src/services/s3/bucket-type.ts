import type { CORSRule } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { generatedName, parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { tagList } from '../../tags.js';
import { bucketArn } from './arns.js';
import { completeAccessBlock } from './bucket-configuration.js';
import { checkedRules } from './bucket-cors.js';
import { createBucket, deleteBucket } from './bucket-operations.js';
import { type Bucket, NEW_BUCKET } from './bucket-store.js';
import { fromLifecycleRule, lifecycleRuleSchema, toLifecycleRule } from './lifecycle-properties.js';
import { BUCKET_TAG_LIMIT, tagsFromSet } from './object-description.js';
import type { S3State } from './state.js';

const minimumSize = z.enum(['varies_by_storage_class', 'all_storage_classes_128K']);

const schema = z.strictObject({
  BucketName: z.string().optional(),
  AccessControl: z.enum(['Private', 'BucketOwnerFullControl']).optional(),
  BucketEncryption: z
    .strictObject({
      ServerSideEncryptionConfiguration: z
        .array(
          z.strictObject({
            ServerSideEncryptionByDefault: z
              .strictObject({
                SSEAlgorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']),
                KMSMasterKeyID: z.string().optional(),
              })
              .optional(),
            BucketKeyEnabled: z.boolean().optional(),
          }),
        )
        .min(1),
    })
    .optional(),
  VersioningConfiguration: z.strictObject({ Status: z.enum(['Enabled', 'Suspended']) }).optional(),
  PublicAccessBlockConfiguration: z
    .strictObject({
      BlockPublicAcls: z.boolean().optional(),
      BlockPublicPolicy: z.boolean().optional(),
      IgnorePublicAcls: z.boolean().optional(),
      RestrictPublicBuckets: z.boolean().optional(),
    })
    .optional(),
  OwnershipControls: z
    .strictObject({
      Rules: z
        .array(
          z.strictObject({
            ObjectOwnership: z.enum(['ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced']),
          }),
        )
        .length(1),
    })
    .optional(),
  LifecycleConfiguration: z
    .strictObject({
      Rules: z.array(lifecycleRuleSchema).min(1),
      TransitionDefaultMinimumObjectSize: minimumSize.optional(),
    })
    .optional(),
  CorsConfiguration: z
    .strictObject({
      CorsRules: z
        .array(
          z.strictObject({
            Id: z.string().optional(),
            AllowedHeaders: z.array(z.string()).optional(),
            AllowedMethods: z.array(z.string()),
            AllowedOrigins: z.array(z.string()),
            ExposedHeaders: z.array(z.string()).optional(),
            MaxAge: z.number().optional(),
          }),
        )
        .min(1),
    })
    .optional(),
  Tags: tagsSchema.optional(),
  // Read-only ones come back in documents that were read before.
  Arn: z.string().optional(),
  DomainName: z.string().optional(),
  RegionalDomainName: z.string().optional(),
  DualStackDomainName: z.string().optional(),
  WebsiteURL: z.string().optional(),
});
type BucketProperties = z.infer<typeof schema>;

/** `AWS::S3::Bucket`. */
export function bucketType(state: S3State): ResourceType {
  const typeName = 'AWS::S3::Bucket';
  const { buckets, base } = state;
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const name = wanted.BucketName ?? generatedName('bucket');
      base.store.transaction(() => {
        createBucket(state, { name, region: base.region });
        buckets.change(name, configuration(wanted));
      });
      return name;
    },
    read(name) {
      const bucket = buckets.find(name);
      return bucket && describe(bucket);
    },
    update(name, desired, previous) {
      const wanted = parseProperties(typeName, schema, desired);
      const had = parseProperties(typeName, schema, previous);
      buckets.change(name, {
        ...configuration(wanted),
        // Versioning can be suspended but not be taken back (S3 user guide, "Using versioning in S3 buckets").
        ...((wanted.VersioningConfiguration ?? !had.VersioningConfiguration)
          ? {}
          : { versioning: 'Suspended' }),
        ...(wanted.Tags ? {} : { tags: undefined }),
        ...(wanted.LifecycleConfiguration ? {} : { lifecycle: undefined }),
        ...(wanted.CorsConfiguration ? {} : { cors: undefined }),
      });
    },
    delete: (name) => deleteBucket(state, name),
    list: () => buckets.all().map(({ name }) => name),
  };
}

/** The configuration that properties stand for; what they leave out is as in a new bucket. */
function configuration(wanted: BucketProperties): Partial<Bucket> {
  const encryption = wanted.BucketEncryption?.ServerSideEncryptionConfiguration.map((rule) => ({
    ApplyServerSideEncryptionByDefault: rule.ServerSideEncryptionByDefault,
    BucketKeyEnabled: rule.BucketKeyEnabled ?? false,
  }));
  const lifecycle = wanted.LifecycleConfiguration;
  return {
    encryption: encryption ? { Rules: encryption } : NEW_BUCKET.encryption,
    publicAccessBlock: wanted.PublicAccessBlockConfiguration
      ? completeAccessBlock(wanted.PublicAccessBlockConfiguration)
      : NEW_BUCKET.publicAccessBlock,
    ownershipControls: wanted.OwnershipControls ?? NEW_BUCKET.ownershipControls,
    ...(wanted.VersioningConfiguration ? { versioning: wanted.VersioningConfiguration.Status } : {}),
    ...(wanted.CorsConfiguration
      ? { cors: checkedRules(wanted.CorsConfiguration.CorsRules.map(toCorsRule)) }
      : {}),
    ...(wanted.Tags ? { tags: tagsFromSet(wanted.Tags, BUCKET_TAG_LIMIT) } : {}),
    ...(lifecycle
      ? {
          lifecycle: {
            rules: lifecycle.Rules.map(toLifecycleRule),
            minimumSize: lifecycle.TransitionDefaultMinimumObjectSize ?? 'all_storage_classes_128K',
          },
        }
      : {}),
  };
}

type CorsRuleProperties = NonNullable<BucketProperties['CorsConfiguration']>['CorsRules'][number];

function toCorsRule({ Id, ExposedHeaders, MaxAge, ...same }: CorsRuleProperties): CORSRule {
  return {
    ...same,
    ...(Id !== undefined && { ID: Id }),
    ...(ExposedHeaders && { ExposeHeaders: ExposedHeaders }),
    ...(MaxAge !== undefined && { MaxAgeSeconds: MaxAge }),
  };
}

function fromCorsRule({ ID, ExposeHeaders, MaxAgeSeconds, ...same }: CORSRule): ResourceProperties {
  return {
    ...same,
    ...(ID !== undefined && { Id: ID }),
    ...(ExposeHeaders && { ExposedHeaders: ExposeHeaders }),
    ...(MaxAgeSeconds !== undefined && { MaxAge: MaxAgeSeconds }),
  };
}

function describe(bucket: Bucket): ResourceProperties {
  const { name, region } = bucket;
  return {
    BucketName: name,
    Arn: bucketArn(name),
    DomainName: `${name}.s3.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
    DualStackDomainName: `${name}.s3.dualstack.${region}.amazonaws.com`,
    WebsiteURL: `http://${name}.s3-website.${region}.amazonaws.com`,
    BucketEncryption: {
      ServerSideEncryptionConfiguration: (bucket.encryption.Rules ?? []).map((rule) => ({
        ServerSideEncryptionByDefault: rule.ApplyServerSideEncryptionByDefault,
        BucketKeyEnabled: rule.BucketKeyEnabled ?? false,
      })),
    },
    ...(bucket.publicAccessBlock ? { PublicAccessBlockConfiguration: bucket.publicAccessBlock } : {}),
    ...(bucket.ownershipControls ? { OwnershipControls: bucket.ownershipControls } : {}),
    ...(bucket.versioning ? { VersioningConfiguration: { Status: bucket.versioning } } : {}),
    ...(bucket.cors ? { CorsConfiguration: { CorsRules: bucket.cors.map(fromCorsRule) } } : {}),
    ...(bucket.tags ? { Tags: tagList(bucket.tags) } : {}),
    ...(bucket.lifecycle
      ? {
          LifecycleConfiguration: {
            Rules: bucket.lifecycle.rules.map(fromLifecycleRule),
            TransitionDefaultMinimumObjectSize: bucket.lifecycle.minimumSize,
          },
        }
      : {}),
  };
}
