import { randomBytes } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import { behind, page, readToken } from '../../paging.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { invalidParameter, notFound, refuseOthers } from './errors.js';
import { DEFAULT_PASSWORD_POLICY } from './password-policy.js';
import type { PasswordPolicy, UserPoolRecord, UserPoolTables } from './tables.js';

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const POOL_NAME = /^[\w\s+=,.@-]{1,128}$/;
/** Largest page of most lists of user pools (API reference). */
export const PAGE_SIZE = 60;

/** Settings of a pool that are kept; all others are refused. */
const SETTINGS = [
  'AccountRecoverySetting',
  'AdminCreateUserConfig',
  'DeletionProtection',
  'MfaConfiguration',
  'Policies',
  'UserPoolTags',
  'UserPoolTier',
] as const;

/** User pools themselves. */
export function poolOperations({ store, clock, accountId, region }: Base, tables: UserPoolTables) {
  const existing = (id: string | undefined): UserPoolRecord => {
    const pool = id === undefined ? undefined : tables.pools.get(id);
    if (!pool) throw notFound(`User pool ${id} does not exist.`);
    return pool;
  };
  const arnOf = (id: string) => `arn:aws:cognito-idp:${region}:${accountId}:userpool/${id}`;

  function settings(input: Pick<sdk.CreateUserPoolRequest, (typeof SETTINGS)[number]>) {
    if (input.MfaConfiguration !== undefined && input.MfaConfiguration !== 'OFF') {
      throw invalidParameter('Multi-factor authentication is not built in the local cloud');
    }
    const { AllowAdminCreateUserOnly, InviteMessageTemplate } = input.AdminCreateUserConfig ?? {};
    if (InviteMessageTemplate) throw invalidParameter('Invitations are not built in the local cloud');
    return {
      passwordPolicy: passwordPolicy(input.Policies),
      selfSignUp: AllowAdminCreateUserOnly !== true,
      deletionProtection: input.DeletionProtection === 'ACTIVE',
      recovery: input.AccountRecoverySetting,
      tags: { ...input.UserPoolTags },
    };
  }

  const operations = {
    CreateUserPool(input: sdk.CreateUserPoolCommandInput) {
      refuseOthers('CreateUserPool', input, ['PoolName', 'UsernameConfiguration', ...SETTINGS]);
      const { PoolName: name = '', UsernameConfiguration } = input;
      if (!POOL_NAME.test(name)) throw invalidParameter(`Invalid PoolName ${JSON.stringify(name)}`);
      const letters = Array.from(randomBytes(9), (byte) => ALPHANUMERIC[byte % ALPHANUMERIC.length]);
      const now = clock.now();
      const pool: UserPoolRecord = {
        id: `${region}_${letters.join('')}`,
        name,
        created: now,
        modified: now,
        caseSensitive: UsernameConfiguration?.CaseSensitive === true,
        ...settings(input),
      };
      store.transaction(() => tables.pools.put(pool.id, pool));
      return { UserPool: describe(pool, arnOf(pool.id)) };
    },

    DescribeUserPool({ UserPoolId }: sdk.DescribeUserPoolCommandInput) {
      const pool = existing(UserPoolId);
      const users = [...tables.users.entries({ prefix: `${pool.id}\u001f` })].length;
      return { UserPool: { ...describe(pool, arnOf(pool.id)), EstimatedNumberOfUsers: users } };
    },

    UpdateUserPool(input: sdk.UpdateUserPoolCommandInput) {
      refuseOthers('UpdateUserPool', input, ['UserPoolId', 'PoolName', ...SETTINGS]);
      store.transaction(() => {
        const pool = existing(input.UserPoolId);
        const name = input.PoolName ?? pool.name;
        tables.pools.put(pool.id, { ...pool, ...settings(input), name, modified: clock.now() });
      });
      return {};
    },

    DeleteUserPool({ UserPoolId }: sdk.DeleteUserPoolCommandInput) {
      store.transaction(() => {
        const { id, deletionProtection } = existing(UserPoolId);
        if (deletionProtection) {
          throw invalidParameter(
            'The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.',
          );
        }
        for (const table of [tables.users, tables.groups, tables.memberships]) {
          for (const [name] of [...table.entries({ prefix: `${id}\u001f` })]) table.delete(name);
        }
        for (const table of [tables.clients, tables.refreshTokens, tables.challenges]) {
          for (const [name, { poolId }] of [...table.entries()]) if (poolId === id) table.delete(name);
        }
        tables.signingKeys.delete(id);
        tables.pools.delete(id);
      });
      return {};
    },

    ListUserPools({ NextToken, MaxResults = PAGE_SIZE }: sdk.ListUserPoolsCommandInput) {
      const all = [...tables.pools.entries()].map(([, pool]) => pool);
      const { items, next } = poolPage(all, ({ id }) => id, NextToken, MaxResults);
      return {
        UserPools: items.map(({ id, name, created, modified }) => ({
          Id: id,
          Name: name,
          LambdaConfig: {},
          CreationDate: new Date(created),
          LastModifiedDate: new Date(modified),
        })),
        ...(next !== undefined && { NextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, existing, arnOf };
}

export type Pools = ReturnType<typeof poolOperations>;

/** A page of a list. @throws InvalidParameterException for a token that was not given out. */
export function poolPage<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
  size: number,
) {
  if (size < 1 || size > PAGE_SIZE) throw invalidParameter(`A page has 1 to ${PAGE_SIZE} items`);
  const after = readToken(token, () => invalidParameter('Invalid pagination token.'));
  return page(behind(all, keyOf), keyOf, after, size);
}

function passwordPolicy(policies: sdk.UserPoolPolicyType | undefined): PasswordPolicy {
  const { PasswordPolicy: wanted = {}, ...others } = policies ?? {};
  const { PasswordHistorySize, ...built } = wanted;
  if (PasswordHistorySize) throw invalidParameter('Password histories are not built in the local cloud');
  refuseOthers('Policies', others, []);
  const policy = { ...DEFAULT_PASSWORD_POLICY, ...withoutUndefined(built) };
  if (policy.MinimumLength < 6 || policy.MinimumLength > 99) {
    throw invalidParameter('MinimumLength of PasswordPolicy must be from 6 to 99');
  }
  return policy;
}

function withoutUndefined<T extends object>(value: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  const kept = Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
  return Object.fromEntries(kept) as { [Name in keyof T]?: NonNullable<T[Name]> };
}

function describe(pool: UserPoolRecord, Arn: string): sdk.UserPoolType {
  const { id, name, passwordPolicy: PasswordPolicy, created, modified, recovery, tags } = pool;
  return {
    Id: id,
    Arn,
    Name: name,
    Policies: { PasswordPolicy },
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: !pool.selfSignUp, UnusedAccountValidityDays: 7 },
    DeletionProtection: pool.deletionProtection ? 'ACTIVE' : 'INACTIVE',
    MfaConfiguration: 'OFF',
    UsernameConfiguration: { CaseSensitive: pool.caseSensitive },
    ...(recovery && { AccountRecoverySetting: recovery }),
    ...(Object.keys(tags).length > 0 && { UserPoolTags: { ...tags } }),
    UserPoolTier: 'ESSENTIALS',
    LambdaConfig: {},
    CreationDate: new Date(created),
    LastModifiedDate: new Date(modified),
  };
}
