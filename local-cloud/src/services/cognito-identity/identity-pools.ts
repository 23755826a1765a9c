import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cognito-identity';
import { InvalidParameterException, ResourceNotFoundException } from '@aws-sdk/client-cognito-identity';
import { behind, page, readToken } from '../../paging.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { key, type Table } from '../../store/store.js';

/** An identity pool. */
export interface IdentityPoolRecord {
  readonly id: string;
  readonly name: string;
  readonly guests: boolean;
  readonly classicFlow: boolean;
  readonly providers: readonly { clientId: string; providerName: string; serverSideTokenCheck: boolean }[];
  readonly tags: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, string>>;
  /** By provider and client: `cognito-idp.{region}.amazonaws.com/{pool}:{client}`. */
  readonly roleMappings: Readonly<Record<string, sdk.RoleMapping>>;
}

/** Somebody whom an identity pool knows. */
export interface IdentityRecord {
  readonly id: string;
  readonly poolId: string;
  /** User by provider; none: a guest. Times are milliseconds since 1970. */
  readonly logins: Readonly<Record<string, string>>;
  readonly created: number;
  readonly modified: number;
}

export interface IdentityTables {
  readonly pools: Table<IdentityPoolRecord>;
  readonly identities: Table<IdentityRecord>;
  /** key(pool, provider, user): id of the identity. */
  readonly byLogin: Table<string>;
}

const PAGE_SIZE = 60;
const POOL_NAME = /^[\w\s+=,.@-]{1,128}$/;
const BUILT = [
  'IdentityPoolId',
  'IdentityPoolName',
  'AllowUnauthenticatedIdentities',
  'AllowClassicFlow',
  'CognitoIdentityProviders',
  'IdentityPoolTags',
];

export function invalidParameter(message: string): InvalidParameterException {
  return new InvalidParameterException({ message, $metadata: {} });
}

export function notFound(message: string): ResourceNotFoundException {
  return new ResourceNotFoundException({ message, $metadata: {} });
}

/** Identity pools, their roles, and whom they know. */
export function identityPools({ store, region }: Base, tables: IdentityTables) {
  const existing = (id: string | undefined): IdentityPoolRecord => {
    const pool = id === undefined ? undefined : tables.pools.get(id);
    if (!pool) throw notFound(`IdentityPool '${id}' not found.`);
    return pool;
  };
  const put = (pool: IdentityPoolRecord) => store.transaction(() => tables.pools.put(pool.id, pool));

  const operations = {
    CreateIdentityPool(input: sdk.CreateIdentityPoolCommandInput) {
      const id = `${region}:${randomUUID()}`;
      const pool: IdentityPoolRecord = { id, roles: {}, roleMappings: {}, ...settings(input) };
      put(pool);
      return describe(pool);
    },

    DescribeIdentityPool: ({ IdentityPoolId }: sdk.DescribeIdentityPoolCommandInput) =>
      describe(existing(IdentityPoolId)),

    UpdateIdentityPool(input: sdk.UpdateIdentityPoolCommandInput) {
      const pool = { ...existing(input.IdentityPoolId), ...settings(input) };
      put(pool);
      return describe(pool);
    },

    DeleteIdentityPool({ IdentityPoolId }: sdk.DeleteIdentityPoolCommandInput) {
      store.transaction(() => {
        const { id } = existing(IdentityPoolId);
        for (const [name, identity] of [...tables.identities.entries()]) {
          if (identity.poolId === id) tables.identities.delete(name);
        }
        for (const [name] of [...tables.byLogin.entries({ prefix: `${id}\u001f` })])
          tables.byLogin.delete(name);
        tables.pools.delete(id);
      });
      return {};
    },

    ListIdentityPools({ MaxResults = PAGE_SIZE, NextToken }: sdk.ListIdentityPoolsCommandInput) {
      const all = [...tables.pools.entries()].map(([, pool]) => pool);
      const { items, next } = pageOf(all, MaxResults, NextToken);
      return {
        IdentityPools: items.map(({ id, name }) => ({ IdentityPoolId: id, IdentityPoolName: name })),
        ...(next !== undefined && { NextToken: next }),
      };
    },

    SetIdentityPoolRoles({ IdentityPoolId, Roles, RoleMappings }: sdk.SetIdentityPoolRolesCommandInput) {
      for (const kind of Object.keys(Roles ?? {})) {
        if (kind !== 'authenticated' && kind !== 'unauthenticated') {
          throw invalidParameter(`Invalid role type ${kind}: use authenticated or unauthenticated`);
        }
      }
      put({ ...existing(IdentityPoolId), roles: { ...Roles }, roleMappings: { ...RoleMappings } });
      return {};
    },

    GetIdentityPoolRoles({ IdentityPoolId }: sdk.GetIdentityPoolRolesCommandInput) {
      const { id, roles, roleMappings } = existing(IdentityPoolId);
      return {
        IdentityPoolId: id,
        Roles: { ...roles },
        ...(Object.keys(roleMappings).length > 0 && { RoleMappings: { ...roleMappings } }),
      };
    },

    ListIdentities({ IdentityPoolId, MaxResults = PAGE_SIZE, NextToken }: sdk.ListIdentitiesCommandInput) {
      const { id } = existing(IdentityPoolId);
      const all = [...tables.identities.entries()].flatMap(([, one]) => (one.poolId === id ? [one] : []));
      const { items, next } = pageOf(all, MaxResults, NextToken);
      return {
        IdentityPoolId: id,
        Identities: items.map(describeIdentity),
        ...(next !== undefined && { NextToken: next }),
      };
    },

    DescribeIdentity({ IdentityId = '' }: sdk.DescribeIdentityCommandInput) {
      const identity = tables.identities.get(IdentityId);
      if (!identity) throw notFound(`Identity '${IdentityId}' not found.`);
      return describeIdentity(identity);
    },

    DeleteIdentities({ IdentityIdsToDelete = [] }: sdk.DeleteIdentitiesCommandInput) {
      store.transaction(() => {
        for (const id of IdentityIdsToDelete) {
          const identity = tables.identities.get(id);
          if (!identity) continue;
          for (const [provider, user] of Object.entries(identity.logins)) {
            tables.byLogin.delete(key(identity.poolId, provider, user));
          }
          tables.identities.delete(id);
        }
      });
      return { UnprocessedIdentityIds: [] };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, existing };
}

export type IdentityPools = ReturnType<typeof identityPools>;

function settings(input: sdk.CreateIdentityPoolInput | sdk.IdentityPool) {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null || BUILT.includes(name)) continue;
    if (typeof value === 'object' && Object.keys(value).length === 0) continue;
    throw invalidParameter(`${name} of an identity pool is not built in the local cloud`);
  }
  const { IdentityPoolName: name = '', CognitoIdentityProviders = [] } = input;
  if (!POOL_NAME.test(name)) throw invalidParameter(`Invalid IdentityPoolName ${JSON.stringify(name)}`);
  return {
    name,
    guests: input.AllowUnauthenticatedIdentities === true,
    classicFlow: input.AllowClassicFlow === true,
    providers: CognitoIdentityProviders.map(({ ClientId, ProviderName, ServerSideTokenCheck }) => ({
      clientId: ClientId ?? '',
      providerName: ProviderName ?? '',
      serverSideTokenCheck: ServerSideTokenCheck === true,
    })),
    tags: { ...input.IdentityPoolTags },
  };
}

function pageOf<T extends { readonly id: string }>(
  all: readonly T[],
  size: number,
  token: string | undefined,
) {
  if (size < 1 || size > PAGE_SIZE) throw invalidParameter(`MaxResults must be from 1 to ${PAGE_SIZE}`);
  const after = readToken(token, () => invalidParameter('Invalid pagination token'));
  return page(
    behind(all, ({ id }) => id),
    ({ id }) => id,
    after,
    size,
  );
}

function describe(pool: IdentityPoolRecord) {
  return {
    IdentityPoolId: pool.id,
    IdentityPoolName: pool.name,
    AllowUnauthenticatedIdentities: pool.guests,
    AllowClassicFlow: pool.classicFlow,
    ...(pool.providers.length > 0 && {
      CognitoIdentityProviders: pool.providers.map(({ clientId, providerName, serverSideTokenCheck }) => ({
        ClientId: clientId,
        ProviderName: providerName,
        ServerSideTokenCheck: serverSideTokenCheck,
      })),
    }),
    ...(Object.keys(pool.tags).length > 0 && { IdentityPoolTags: { ...pool.tags } }),
  };
}

function describeIdentity({ id, logins, created, modified }: IdentityRecord) {
  return {
    IdentityId: id,
    Logins: Object.keys(logins),
    CreationDate: new Date(created),
    LastModifiedDate: new Date(modified),
  };
}
