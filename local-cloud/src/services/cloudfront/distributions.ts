import type * as sdk from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { type Tags, tagList, tagsOf } from '../../tags.js';
import { checkedConfig, type KnownParts } from './distribution-config.js';
import { noSuch, noSuchDistribution } from './errors.js';
import { listed, newId, type Versioned, type VersionedTable, versionedTable } from './versioned.js';

/** A distribution as it is kept. */
export interface Distribution extends Versioned<sdk.DistributionConfig> {
  readonly tags: Tags;
}

type OperationNames =
  | 'CreateDistribution'
  | 'CreateDistributionWithTags'
  | 'GetDistribution'
  | 'GetDistributionConfig'
  | 'UpdateDistribution'
  | 'DeleteDistribution'
  | 'ListDistributions'
  | 'TagResource'
  | 'UntagResource'
  | 'ListTagsForResource';

export interface Distributions {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  readonly table: VersionedTable<Distribution>;
  /** Makes one. @throws AwsError `DistributionAlreadyExists`, and of its configuration. */
  create(config: sdk.DistributionConfig | undefined, tags: Tags): Distribution;
  arnOf(id: string): string;
}

/** The table of distributions alone, for what they may not lose. */
export function distributionTable(base: Base): VersionedTable<Distribution> {
  return versionedTable<Distribution>(base, base.store.table('cloudfront.distributions'), noSuchDistribution);
}

export function distributions(
  base: Base,
  table: VersionedTable<Distribution>,
  known: KnownParts,
  domainNameOf: (id: string) => Promise<string>,
): Distributions {
  const arnOf = (id: string) => `arn:aws:cloudfront::${base.accountId}:distribution/${id}`;

  function create(given: sdk.DistributionConfig | undefined, tags: Tags): Distribution {
    const config = checkedConfig(given, known);
    const twin = table.all().find((other) => other.config.CallerReference === config.CallerReference);
    if (twin) {
      throw new AwsError(
        'DistributionAlreadyExists',
        `The caller reference that you are using to create a distribution is associated with another distribution. Already exists: ${twin.id}`,
        409,
      );
    }
    return table.save({ id: newId('E'), config, tags });
  }

  async function described({ id, etag, config, lastModified }: Distribution) {
    return {
      Distribution: {
        Id: id,
        ARN: arnOf(id),
        // Nothing has to be carried to anywhere.
        Status: 'Deployed',
        LastModifiedTime: new Date(lastModified),
        InProgressInvalidationBatches: 0,
        DomainName: await domainNameOf(id),
        ActiveTrustedSigners: { Enabled: false, Quantity: 0 },
        ActiveTrustedKeyGroups: { Enabled: false, Quantity: 0 },
        DistributionConfig: config,
      },
      ETag: etag,
    };
  }

  async function created(distribution: Distribution) {
    return {
      ...(await described(distribution)),
      Location: `https://cloudfront.amazonaws.com/2020-05-31/distribution/${distribution.id}`,
    };
  }

  async function summary({ id, etag, config, lastModified }: Distribution): Promise<sdk.DistributionSummary> {
    const { Aliases, CacheBehaviors, CustomErrorResponses, ViewerCertificate, Restrictions } = config;
    const { Comment, PriceClass, Enabled, WebACLId, HttpVersion, IsIPV6Enabled, Staging } = config;
    return {
      ...{ Id: id, ARN: arnOf(id), ETag: etag, Status: 'Deployed', LastModifiedTime: new Date(lastModified) },
      DomainName: await domainNameOf(id),
      ...{ Aliases, CacheBehaviors, CustomErrorResponses, ViewerCertificate, Restrictions, Comment },
      ...{ PriceClass, Enabled, WebACLId, HttpVersion, IsIPV6Enabled, Staging },
      Origins: config.Origins,
      OriginGroups: config.OriginGroups,
      DefaultCacheBehavior: config.DefaultCacheBehavior,
    };
  }

  function byArn(arn = ''): Distribution {
    const found = table.find(arn.split('/').at(-1) ?? '');
    if (found && arnOf(found.id) === arn) return found;
    throw noSuch('Resource', `The resource ${arn} does not exist.`);
  }

  return {
    table,
    create,
    arnOf,
    operations: {
      CreateDistribution: ({ DistributionConfig }) => created(create(DistributionConfig, {})),
      CreateDistributionWithTags: ({ DistributionConfigWithTags: given }) =>
        created(create(given?.DistributionConfig, tagsOf(given?.Tags?.Items))),
      GetDistribution: ({ Id }) => described(table.get(Id)),
      GetDistributionConfig({ Id }) {
        const { config, etag } = table.get(Id);
        return { DistributionConfig: config, ETag: etag };
      },
      UpdateDistribution({ Id, IfMatch, DistributionConfig }) {
        const before = table.getVersion(Id, IfMatch);
        const config = checkedConfig(DistributionConfig, known);
        if (config.CallerReference !== before.config.CallerReference) {
          throw new AwsError('IllegalUpdate', 'The update contains modifications that are not allowed.');
        }
        return described(table.save({ ...before, config }));
      },
      DeleteDistribution({ Id, IfMatch }) {
        const { id, config } = table.getVersion(Id, IfMatch);
        if (config.Enabled) {
          throw new AwsError(
            'DistributionNotDisabled',
            'The distribution you are trying to delete has not been disabled.',
            409,
          );
        }
        table.remove(id);
        return {};
      },
      async ListDistributions(input) {
        const { Items, ...page } = listed(table.all(), input, summary);
        return { DistributionList: { ...page, ...(Items && { Items: await Promise.all(Items) }) } };
      },
      TagResource({ Resource, Tags: given }) {
        const { id, tags, config } = byArn(Resource);
        table.save({ id, config, tags: { ...tags, ...tagsOf(given?.Items) } });
        return {};
      },
      UntagResource({ Resource, TagKeys }) {
        const { id, tags, config } = byArn(Resource);
        const gone = new Set(TagKeys?.Items ?? []);
        const left = Object.entries(tags).filter(([name]) => !gone.has(name));
        table.save({ id, config, tags: Object.fromEntries(left) });
        return {};
      },
      ListTagsForResource: ({ Resource }) => ({ Tags: { Items: tagList(byArn(Resource).tags) } }),
    },
  };
}
