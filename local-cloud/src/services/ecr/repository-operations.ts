import * as sdk from '@aws-sdk/client-ecr';
import type { Operations } from '../../service.js';
import { tagList } from '../../tags.js';
import { unsatisfied } from './errors.js';
import type { Images } from './images.js';
import { isRepositoryName } from './names.js';
import { pageOf } from './parameters.js';
import type { Registry } from './registry.js';
import { checkedTags } from './repository-tags.js';
import type { RepositoryRecord } from './tables.js';

/** Patterns that tags are left out by, of a repository, and wildcards in one (ECR user guide, tag mutability). */
const MOST_EXCLUSIONS = 5;
const MOST_WILDCARDS = 2;
const EXCLUSION = /^[0-9a-zA-Z._*-]{1,128}$/;

type TagMutability = Pick<RepositoryRecord, 'mutability' | 'exclusions'>;

/** Repositories and their settings; `host` is where the registry is found, with its port. */
export function repositoryOperations(registry: Registry, images: Images, host: Promise<string>) {
  async function describe(record: RepositoryRecord): Promise<sdk.Repository> {
    return {
      repositoryArn: registry.arnOf(record.name),
      registryId: registry.registryId,
      repositoryName: record.name,
      repositoryUri: `${await host}/${record.name}`,
      createdAt: new Date(record.created),
      imageTagMutability: record.mutability,
      ...(record.exclusions.length > 0 && { imageTagMutabilityExclusionFilters: [...record.exclusions] }),
      imageScanningConfiguration: { scanOnPush: record.scanOnPush },
      encryptionConfiguration: { encryptionType: 'AES256' },
    };
  }

  const operations = {
    async CreateRepository(input: sdk.CreateRepositoryCommandInput) {
      const { repositoryName: name = '', registryId = registry.registryId } = input;
      if (registryId !== registry.registryId) {
        throw unsatisfied('registryId', `must be the registry of the account, ${registry.registryId}`);
      }
      if (!isRepositoryName(name)) {
        throw unsatisfied(
          'repositoryName',
          "must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'",
        );
      }
      const { encryptionType = 'AES256' } = input.encryptionConfiguration ?? {};
      if (encryptionType !== 'AES256') {
        throw unsatisfied('encryptionType', `${encryptionType} is not built in the local cloud, AES256 is`);
      }
      if (registry.repository(name)) {
        throw new sdk.RepositoryAlreadyExistsException({
          message: `The repository with name '${name}' already exists in the registry with id '${registryId}'`,
          $metadata: {},
        });
      }
      const record: RepositoryRecord = {
        name,
        created: registry.now(),
        ...tagMutability(input.imageTagMutability, input.imageTagMutabilityExclusionFilters),
        scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false,
        tags: checkedTags({}, input.tags),
      };
      registry.putRepository(record);
      return { repository: await describe(record) };
    },

    async DescribeRepositories(input: sdk.DescribeRepositoriesCommandInput) {
      const { repositoryNames, registryId } = input;
      if (repositoryNames) {
        if (input.nextToken !== undefined || input.maxResults !== undefined) {
          throw unsatisfied('repositoryNames', 'cannot be given together with nextToken or maxResults');
        }
        if (repositoryNames.length > 100) throw unsatisfied('repositoryNames', 'has at most 100 names');
        const found = repositoryNames.map((name) => images.repository(name, registryId));
        return { repositories: await Promise.all(found.map(describe)) };
      }
      const { items, ...token } = pageOf(
        (after) => registry.repositories(after),
        ({ name }) => name,
        input,
      );
      return { repositories: await Promise.all(items.map(describe)), ...token };
    },

    async DeleteRepository({ repositoryName = '', registryId, force }: sdk.DeleteRepositoryCommandInput) {
      const record = images.repository(repositoryName, registryId);
      if (!force && registry.hasImages(record.name)) {
        throw new sdk.RepositoryNotEmptyException({
          message: `The repository with name '${record.name}' in registry with id '${registry.registryId}' cannot be deleted because it still contains images`,
          $metadata: {},
        });
      }
      registry.deleteRepository(record.name);
      return { repository: await describe(record) };
    },

    PutImageTagMutability(input: sdk.PutImageTagMutabilityCommandInput) {
      const record = images.repository(input.repositoryName ?? '', input.registryId);
      const changed = tagMutability(input.imageTagMutability, input.imageTagMutabilityExclusionFilters);
      registry.putRepository({ ...record, ...changed });
      return {
        registryId: registry.registryId,
        repositoryName: record.name,
        imageTagMutability: changed.mutability,
        ...(changed.exclusions.length > 0 && {
          imageTagMutabilityExclusionFilters: [...changed.exclusions],
        }),
      };
    },

    PutImageScanningConfiguration(input: sdk.PutImageScanningConfigurationCommandInput) {
      const record = images.repository(input.repositoryName ?? '', input.registryId);
      const scanOnPush = input.imageScanningConfiguration?.scanOnPush ?? false;
      registry.putRepository({ ...record, scanOnPush });
      return {
        registryId: registry.registryId,
        repositoryName: record.name,
        imageScanningConfiguration: { scanOnPush },
      };
    },

    TagResource({ resourceArn, tags }: sdk.TagResourceCommandInput) {
      const record = byArn(resourceArn);
      registry.putRepository({ ...record, tags: checkedTags(record.tags, tags) });
      return {};
    },

    UntagResource({ resourceArn, tagKeys = [] }: sdk.UntagResourceCommandInput) {
      const record = byArn(resourceArn);
      const left = Object.entries(record.tags).filter(([key]) => !tagKeys.includes(key));
      registry.putRepository({ ...record, tags: Object.fromEntries(left) });
      return {};
    },

    ListTagsForResource: ({ resourceArn }: sdk.ListTagsForResourceCommandInput) => ({
      tags: tagList(byArn(resourceArn).tags),
    }),
  } satisfies Operations<typeof sdk>;

  function byArn(arn = ''): RepositoryRecord {
    const [, name] = arn.split(':repository/');
    if (name === undefined || registry.arnOf(name) !== arn) {
      throw unsatisfied('resourceArn', 'must be the ARN of a repository of this registry');
    }
    return images.repository(name);
  }

  return { operations, describe };
}

/** @throws InvalidParameterException when filters are missing, not wanted, or none that ECR takes. */
export function tagMutability(
  mutability: sdk.ImageTagMutability = 'MUTABLE',
  filters: readonly sdk.ImageTagMutabilityExclusionFilter[] = [],
): TagMutability {
  const needed = mutability.endsWith('_WITH_EXCLUSION');
  if (needed !== filters.length > 0) {
    throw unsatisfied(
      'imageTagMutabilityExclusionFilters',
      needed ? `must be given with ${mutability}` : `cannot be given with ${mutability}`,
    );
  }
  if (filters.length > MOST_EXCLUSIONS) {
    throw unsatisfied('imageTagMutabilityExclusionFilters', `has at most ${MOST_EXCLUSIONS} filters`);
  }
  for (const { filter = '', filterType } of filters) {
    const wildcards = filter.split('*').length - 1;
    if (filterType !== 'WILDCARD' || !EXCLUSION.test(filter) || wildcards > MOST_WILDCARDS) {
      throw unsatisfied(
        'imageTagMutabilityExclusionFilters',
        `'${filter}' must be of type WILDCARD and have letters, digits, '.', '_', '-' and at most ${MOST_WILDCARDS} '*'`,
      );
    }
  }
  return { mutability, exclusions: filters.map(({ filter, filterType }) => ({ filter, filterType })) };
}
