import { z } from 'zod';
import {
  documentText,
  generatedName,
  parseProperties,
  policyDocumentSchema,
  tagsSchema,
} from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceType } from '../../resource-type.js';
import { tagList } from '../../tags.js';
import { unsatisfied } from './errors.js';
import type { Images } from './images.js';
import { checkedLifecyclePolicy, checkedPolicy } from './policy-operations.js';
import type { Registry } from './registry.js';
import { type repositoryOperations, tagMutability } from './repository-operations.js';
import { checkedTags } from './repository-tags.js';
import type { RepositoryRecord } from './tables.js';

const schema = z.strictObject({
  RepositoryName: z.string().optional(),
  EmptyOnDelete: z.boolean().optional(),
  EncryptionConfiguration: z
    .strictObject({ EncryptionType: z.enum(['AES256', 'KMS', 'KMS_DSSE']), KmsKey: z.string().optional() })
    .optional(),
  ImageScanningConfiguration: z.strictObject({ ScanOnPush: z.boolean().optional() }).optional(),
  ImageTagMutability: z
    .enum(['MUTABLE', 'IMMUTABLE', 'MUTABLE_WITH_EXCLUSION', 'IMMUTABLE_WITH_EXCLUSION'])
    .optional(),
  ImageTagMutabilityExclusionFilters: z
    .array(
      z.strictObject({
        ImageTagMutabilityExclusionFilterType: z.literal('WILDCARD'),
        ImageTagMutabilityExclusionFilterValue: z.string(),
      }),
    )
    .optional(),
  LifecyclePolicy: z
    .strictObject({ LifecyclePolicyText: z.string().optional(), RegistryId: z.string().optional() })
    .optional(),
  RepositoryPolicyText: policyDocumentSchema.optional(),
  Tags: tagsSchema.optional(),
  // Read-only ones come back in documents that were read before.
  Arn: z.string().optional(),
  RepositoryUri: z.string().optional(),
});

/** `AWS::ECR::Repository`. */
export function repositoryType(
  registry: Registry,
  images: Images,
  { operations, describe }: ReturnType<typeof repositoryOperations>,
): ResourceType {
  const typeName = 'AWS::ECR::Repository';

  /** The settings that properties stand for; what they leave out is as in a new repository. */
  function settings(wanted: z.infer<typeof schema>): Omit<RepositoryRecord, 'name' | 'created'> {
    const { LifecyclePolicy, RepositoryPolicyText, ImageTagMutabilityExclusionFilters: filters } = wanted;
    const { RegistryId = registry.registryId, LifecyclePolicyText: lifecycle } = LifecyclePolicy ?? {};
    if (RegistryId !== registry.registryId) {
      throw unsatisfied('RegistryId', `must be the registry of the account, ${registry.registryId}`);
    }
    return {
      ...tagMutability(
        wanted.ImageTagMutability,
        filters?.map((filter) => ({
          filterType: filter.ImageTagMutabilityExclusionFilterType,
          filter: filter.ImageTagMutabilityExclusionFilterValue,
        })),
      ),
      scanOnPush: wanted.ImageScanningConfiguration?.ScanOnPush ?? false,
      tags: checkedTags({}, wanted.Tags),
      ...(RepositoryPolicyText !== undefined && {
        policy: checkedPolicy(documentText(RepositoryPolicyText)),
      }),
      ...(lifecycle !== undefined && { lifecyclePolicy: checkedLifecyclePolicy(lifecycle) }),
      ...(wanted.EmptyOnDelete !== undefined && { emptyOnDelete: wanted.EmptyOnDelete }),
    };
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    async create(desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const name = wanted.RepositoryName ?? generatedName('repository');
      const chosen = settings(wanted);
      const encryptionType = wanted.EncryptionConfiguration?.EncryptionType;
      await operations.CreateRepository({
        repositoryName: name,
        ...(encryptionType && { encryptionConfiguration: { encryptionType } }),
      });
      registry.putRepository({ ...images.repository(name), ...chosen });
      return name;
    },
    async read(name) {
      const record = registry.repository(name);
      if (!record) return undefined;
      const { repositoryArn, repositoryUri } = await describe(record);
      const tags = tagList(record.tags);
      const { policy, lifecyclePolicy, exclusions } = record;
      return {
        RepositoryName: name,
        Arn: repositoryArn,
        RepositoryUri: repositoryUri,
        EncryptionConfiguration: { EncryptionType: 'AES256' },
        ImageScanningConfiguration: { ScanOnPush: record.scanOnPush },
        ImageTagMutability: record.mutability,
        ...(exclusions.length > 0 && {
          ImageTagMutabilityExclusionFilters: exclusions.map(({ filter, filterType }) => ({
            ImageTagMutabilityExclusionFilterType: filterType,
            ImageTagMutabilityExclusionFilterValue: filter,
          })),
        }),
        ...(lifecyclePolicy !== undefined && {
          LifecyclePolicy: { LifecyclePolicyText: lifecyclePolicy, RegistryId: registry.registryId },
        }),
        ...(policy !== undefined && { RepositoryPolicyText: JSON.parse(policy) as unknown }),
        ...(tags.length > 0 && { Tags: tags }),
      };
    },
    update(name, desired) {
      const chosen = settings(parseProperties(typeName, schema, desired));
      const { created } = images.repository(name);
      registry.putRepository({ name, created, ...chosen });
    },
    async delete(name) {
      const force = registry.repository(name)?.emptyOnDelete ?? false;
      await operations.DeleteRepository({ repositoryName: name, force });
    },
    list: () => [...registry.repositories()].map(({ name }) => name),
  };
}
