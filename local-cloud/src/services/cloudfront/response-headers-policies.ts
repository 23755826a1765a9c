import { randomUUID } from 'node:crypto';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type * as sdk from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { invalidArgument, noSuch, notBuilt } from './errors.js';
import { MANAGED_RESPONSE_HEADERS } from './managed-response-headers.js';
import { policyHeaders } from './response-headers.js';
import { listed, type Versioned, type VersionedTable, versionedTable } from './versioned.js';

export type ResponseHeadersPolicy = Versioned<sdk.ResponseHeadersPolicyConfig>;

type OperationNames =
  | 'CreateResponseHeadersPolicy'
  | 'GetResponseHeadersPolicy'
  | 'GetResponseHeadersPolicyConfig'
  | 'UpdateResponseHeadersPolicy'
  | 'DeleteResponseHeadersPolicy'
  | 'ListResponseHeadersPolicies';

/** The headers that distributions add to what their origins answer. */
export interface ResponseHeadersPolicies {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  readonly table: VersionedTable<ResponseHeadersPolicy>;
  /** A policy of the account, or one that AWS manages. */
  find(id: string): sdk.ResponseHeadersPolicyConfig | undefined;
}

/** @param isUsed whether a distribution has it. */
export function responseHeadersPolicies(
  base: Base,
  isUsed: (id: string) => boolean,
): ResponseHeadersPolicies {
  const missing = () => noSuch('ResponseHeadersPolicy', 'The response headers policy does not exist.');
  const table = versionedTable<ResponseHeadersPolicy>(
    base,
    base.store.table('cloudfront.responseHeadersPolicies'),
    missing,
  );
  const managed = [...MANAGED_RESPONSE_HEADERS].map(([id, config]) => ({
    ...{ id, config },
    etag: 'E23ZPVNNE1W9CQ',
    lastModified: Date.UTC(2021, 9, 29),
  }));
  const find = (id: string) => table.find(id) ?? managed.find((policy) => policy.id === id);
  const get = (id = '') => {
    const policy = find(id);
    if (!policy) throw missing();
    return policy;
  };

  function checked(config: sdk.ResponseHeadersPolicyConfig | undefined, own?: string) {
    assertValid(config);
    if (table.all().some(({ id, config: other }) => id !== own && other.Name === config.Name)) {
      throw new AwsError(
        'ResponseHeadersPolicyAlreadyExists',
        'A response headers policy with this name already exists.',
        409,
      );
    }
    return config;
  }

  const policyOf = ({ id, config, lastModified }: ResponseHeadersPolicy) => ({
    Id: id,
    LastModifiedTime: new Date(lastModified),
    ResponseHeadersPolicyConfig: config,
  });
  const described = (policy: ResponseHeadersPolicy) => ({
    ResponseHeadersPolicy: policyOf(policy),
    ETag: policy.etag,
  });

  function assertOwn(id: string | undefined): void {
    if (!MANAGED_RESPONSE_HEADERS.has(id ?? '')) return;
    throw new AwsError('IllegalUpdate', 'The response headers policy is managed by AWS.');
  }

  return {
    table,
    find: (id) => find(id)?.config,
    operations: {
      CreateResponseHeadersPolicy({ ResponseHeadersPolicyConfig }) {
        const made = table.save({ id: randomUUID(), config: checked(ResponseHeadersPolicyConfig) });
        return {
          ...described(made),
          Location: `https://cloudfront.amazonaws.com/2020-05-31/response-headers-policy/${made.id}`,
        };
      },
      GetResponseHeadersPolicy: ({ Id }) => described(get(Id)),
      GetResponseHeadersPolicyConfig({ Id }) {
        const { config, etag } = get(Id);
        return { ResponseHeadersPolicyConfig: config, ETag: etag };
      },
      UpdateResponseHeadersPolicy({ Id, IfMatch, ResponseHeadersPolicyConfig }) {
        assertOwn(Id);
        const { id } = table.getVersion(Id, IfMatch);
        return described(table.save({ id, config: checked(ResponseHeadersPolicyConfig, id) }));
      },
      DeleteResponseHeadersPolicy({ Id, IfMatch }) {
        assertOwn(Id);
        const { id } = table.getVersion(Id, IfMatch);
        if (isUsed(id)) {
          throw new AwsError(
            'ResponseHeadersPolicyInUse',
            'Cannot delete the response headers policy because it is attached to one or more cache behaviors.',
            409,
          );
        }
        table.remove(id);
        return {};
      },
      ListResponseHeadersPolicies({ Type, ...page }) {
        const own = Type === 'managed' ? [] : table.all();
        const all = [...own, ...(Type === 'custom' ? [] : managed)].sort((a, b) => (a.id < b.id ? -1 : 1));
        return {
          ResponseHeadersPolicyList: listed(all, page, (policy) => ({
            Type: MANAGED_RESPONSE_HEADERS.has(policy.id) ? ('managed' as const) : ('custom' as const),
            ResponseHeadersPolicy: policyOf(policy),
          })),
        };
      },
    },
  };
}

/** @throws AwsError `InvalidArgument`. */
function assertValid(
  config: sdk.ResponseHeadersPolicyConfig | undefined,
): asserts config is sdk.ResponseHeadersPolicyConfig {
  const { Name = '', CorsConfig: cors, ServerTimingHeadersConfig } = config ?? {};
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(Name)) throw invalidArgument('The parameter Name is not valid.');
  if (ServerTimingHeadersConfig?.Enabled) throw notBuilt('ServerTimingHeadersConfig');
  if (cors) {
    const origins = cors.AccessControlAllowOrigins?.Items ?? [];
    const isOdd = (pattern: string) => !/^[\x21-\x7e]+$/.test(pattern) || pattern.split('*').length > 2;
    if (origins.length === 0 || origins.some(isOdd)) {
      throw invalidArgument('The parameter AccessControlAllowOrigins is not valid.');
    }
    const lists = [origins, cors.AccessControlAllowHeaders?.Items, cors.AccessControlExposeHeaders?.Items];
    if (cors.AccessControlAllowCredentials && lists.some((items) => items?.includes('*'))) {
      throw invalidArgument(
        'The parameter AccessControlAllowCredentials cannot be true when an origin or a header is "*".',
      );
    }
  }
  try {
    for (const { name, value } of config ? policyHeaders(config) : []) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch (error) {
    throw invalidArgument(error instanceof Error ? error.message : String(error));
  }
}
