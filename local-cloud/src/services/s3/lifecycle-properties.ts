import type { LifecycleRule, TransitionStorageClass } from '@aws-sdk/client-s3';
import { z } from 'zod';

/** A date as CloudFormation takes it: ISO 8601. */
const date = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'not a date');
const storageClass = z.enum([
  'GLACIER',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]);
const size = z.union([z.string(), z.number()]);

/** A rule of `LifecycleConfiguration` of `AWS::S3::Bucket`. */
export const lifecycleRuleSchema = z.strictObject({
  Id: z.string().optional(),
  Status: z.enum(['Enabled', 'Disabled']),
  Prefix: z.string().optional(),
  TagFilters: z.array(z.strictObject({ Key: z.string(), Value: z.string() })).optional(),
  ObjectSizeGreaterThan: size.optional(),
  ObjectSizeLessThan: size.optional(),
  ExpirationInDays: z.number().optional(),
  ExpirationDate: date.optional(),
  ExpiredObjectDeleteMarker: z.boolean().optional(),
  AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: z.number() }).optional(),
  NoncurrentVersionExpiration: z
    .strictObject({ NoncurrentDays: z.number(), NewerNoncurrentVersions: z.number().optional() })
    .optional(),
  NoncurrentVersionTransitions: z
    .array(
      z.strictObject({
        StorageClass: storageClass,
        TransitionInDays: z.number(),
        NewerNoncurrentVersions: z.number().optional(),
      }),
    )
    .optional(),
  Transitions: z
    .array(
      z.strictObject({
        StorageClass: storageClass,
        TransitionInDays: z.number().optional(),
        TransitionDate: date.optional(),
      }),
    )
    .optional(),
});
type RuleProperties = z.infer<typeof lifecycleRuleSchema>;

/** The rule as S3's API has it. */
export function toLifecycleRule(rule: RuleProperties, index: number): LifecycleRule {
  const { ExpirationInDays, ExpirationDate, ExpiredObjectDeleteMarker } = rule;
  const expires = ExpirationInDays ?? ExpirationDate ?? ExpiredObjectDeleteMarker;
  return {
    ID: rule.Id ?? `rule-${index + 1}`,
    Status: rule.Status,
    Filter: toFilter(rule),
    ...(expires === undefined
      ? {}
      : {
          Expiration: {
            ...(ExpirationInDays === undefined ? {} : { Days: ExpirationInDays }),
            ...(ExpirationDate === undefined ? {} : { Date: new Date(ExpirationDate) }),
            ...(ExpiredObjectDeleteMarker === undefined ? {} : { ExpiredObjectDeleteMarker }),
          },
        }),
    ...pick(rule, 'AbortIncompleteMultipartUpload'),
    ...pick(rule, 'NoncurrentVersionExpiration'),
    ...(rule.NoncurrentVersionTransitions
      ? {
          NoncurrentVersionTransitions: rule.NoncurrentVersionTransitions.map(
            ({ TransitionInDays, StorageClass, NewerNoncurrentVersions }) => ({
              NoncurrentDays: TransitionInDays,
              StorageClass,
              ...(NewerNoncurrentVersions === undefined ? {} : { NewerNoncurrentVersions }),
            }),
          ),
        }
      : {}),
    ...(rule.Transitions
      ? {
          Transitions: rule.Transitions.map(({ TransitionInDays, TransitionDate, StorageClass }) => ({
            StorageClass,
            ...(TransitionInDays === undefined ? {} : { Days: TransitionInDays }),
            ...(TransitionDate === undefined ? {} : { Date: new Date(TransitionDate) }),
          })),
        }
      : {}),
  };
}

/** The rule as CloudFormation has it. */
export function fromLifecycleRule(rule: LifecycleRule): Record<string, unknown> {
  const { Filter: filter = {}, Expiration: expiration = {} } = rule;
  const conditions = { ...filter, ...filter.And };
  const tags = [...(filter.Tag ? [filter.Tag] : []), ...(filter.And?.Tags ?? [])];
  const properties = {
    Id: rule.ID,
    Status: rule.Status,
    Prefix: conditions.Prefix ?? rule.Prefix,
    TagFilters: tags.length > 0 ? tags : undefined,
    ObjectSizeGreaterThan: asText(conditions.ObjectSizeGreaterThan),
    ObjectSizeLessThan: asText(conditions.ObjectSizeLessThan),
    ExpirationInDays: expiration.Days,
    ExpirationDate: expiration.Date?.toISOString(),
    ExpiredObjectDeleteMarker: expiration.ExpiredObjectDeleteMarker,
    AbortIncompleteMultipartUpload: rule.AbortIncompleteMultipartUpload,
    NoncurrentVersionExpiration: rule.NoncurrentVersionExpiration,
    NoncurrentVersionTransitions: rule.NoncurrentVersionTransitions?.map(
      ({ NoncurrentDays, ...transition }) => ({
        ...transition,
        TransitionInDays: NoncurrentDays,
      }),
    ),
    Transitions: rule.Transitions?.map(({ Days, Date: on, StorageClass }) => ({
      StorageClass: StorageClass as TransitionStorageClass,
      ...(Days === undefined ? {} : { TransitionInDays: Days }),
      ...(on === undefined ? {} : { TransitionDate: on.toISOString() }),
    })),
  };
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

function toFilter({ Prefix, TagFilters = [], ObjectSizeGreaterThan, ObjectSizeLessThan }: RuleProperties) {
  const sizes = {
    ...(ObjectSizeGreaterThan === undefined ? {} : { ObjectSizeGreaterThan: Number(ObjectSizeGreaterThan) }),
    ...(ObjectSizeLessThan === undefined ? {} : { ObjectSizeLessThan: Number(ObjectSizeLessThan) }),
  };
  const [tag] = TagFilters;
  const conditions = (Prefix === undefined ? 0 : 1) + TagFilters.length + Object.keys(sizes).length;
  if (conditions > 1) {
    return {
      And: { ...(Prefix === undefined ? {} : { Prefix }), ...(tag ? { Tags: TagFilters } : {}), ...sizes },
    };
  }
  return tag ? { Tag: tag } : Object.keys(sizes).length > 0 ? sizes : { Prefix: Prefix ?? '' };
}

function pick<T extends object, Name extends keyof T>(value: T, name: Name): Partial<Pick<T, Name>> {
  return value[name] === undefined ? {} : ({ [name]: value[name] } as unknown as Pick<T, Name>);
}

function asText(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
