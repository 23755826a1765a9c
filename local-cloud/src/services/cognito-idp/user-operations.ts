import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import { UsernameExistsException } from '@aws-sdk/client-cognito-identity-provider';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { invalidParameter, refuseOthers } from './errors.js';
import { describe as describeGroup, type Groups } from './group-operations.js';
import { checkPassword, temporaryPassword } from './password-policy.js';
import { type Pools, poolPage } from './pool-operations.js';
import type { UserPoolRecord, UserRecord } from './tables.js';
import type { Tokens } from './tokens.js';
import { userFilter } from './user-filter.js';
import { newPassword, type Users } from './users.js';

const USERNAME = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u;
const ATTRIBUTES = new Set([
  ...['address', 'birthdate', 'email', 'email_verified', 'family_name', 'gender', 'given_name', 'locale'],
  ...['middle_name', 'name', 'nickname', 'phone_number', 'phone_number_verified', 'picture'],
  ...['preferred_username', 'profile', 'website', 'zoneinfo'],
]);
const DAY = 86_400_000;

/** What administrators do with users. No message is ever sent: MessageAction has to be SUPPRESS. */
export function userOperations(
  { store, clock }: Base,
  { pools, users, groups, tokens }: { pools: Pools; users: Users; groups: Groups; tokens: Tokens },
) {
  function change(
    poolId: string | undefined,
    username: string | undefined,
    changed: (user: UserRecord, pool: UserPoolRecord) => Partial<UserRecord>,
  ): void {
    store.transaction(() => {
      const pool = pools.existing(poolId);
      const user = users.get(pool, username);
      users.put(pool, { ...user, ...changed(user, pool), modified: clock.now() });
    });
  }

  function membership(
    { UserPoolId, Username, GroupName }: sdk.AdminAddUserToGroupRequest,
    set: Users['join'] | Users['leave'],
  ): void {
    store.transaction(() => {
      const pool = pools.existing(UserPoolId);
      set(pool, users.get(pool, Username), groups.existing(pool.id, GroupName));
    });
  }

  const operations = {
    AdminCreateUser(input: sdk.AdminCreateUserCommandInput) {
      const built = ['UserPoolId', 'Username', 'UserAttributes', 'TemporaryPassword', 'MessageAction'];
      refuseOthers('AdminCreateUser', input, [...built, 'DesiredDeliveryMediums', 'ForceAliasCreation']);
      if (input.MessageAction !== 'SUPPRESS') {
        throw invalidParameter(
          'The local cloud sends no messages: set MessageAction to SUPPRESS and tell the temporary password yourself',
        );
      }
      const { Username: username = '' } = input;
      if (!USERNAME.test(username)) throw invalidParameter(`Invalid Username ${JSON.stringify(username)}`);
      return store.transaction(() => {
        const pool = pools.existing(input.UserPoolId);
        if (users.find(pool, username)) {
          throw new UsernameExistsException({ message: 'User account already exists', $metadata: {} });
        }
        const { passwordPolicy } = pool;
        const password = input.TemporaryPassword ?? temporaryPassword(passwordPolicy);
        checkPassword(password, passwordPolicy);
        const now = clock.now();
        const user: UserRecord = {
          username: pool.caseSensitive ? username : username.toLowerCase(),
          sub: randomUUID(),
          attributes: attributesOf(input.UserAttributes),
          enabled: true,
          status: 'FORCE_CHANGE_PASSWORD',
          password: newPassword(pool, pool.caseSensitive ? username : username.toLowerCase(), password),
          passwordEnds: now + passwordPolicy.TemporaryPasswordValidityDays * DAY,
          created: now,
          modified: now,
        };
        users.put(pool, user);
        return { User: { ...common(user), Attributes: attributeList(user) } };
      });
    },

    AdminGetUser({ UserPoolId, Username }: sdk.AdminGetUserCommandInput) {
      const user = users.get(pools.existing(UserPoolId), Username);
      return { ...common(user), Username: user.username, UserAttributes: attributeList(user) };
    },

    AdminDeleteUser({ UserPoolId, Username }: sdk.AdminDeleteUserCommandInput) {
      store.transaction(() => {
        const pool = pools.existing(UserPoolId);
        const user = users.get(pool, Username);
        tokens.revokeAll(pool, user);
        users.delete(pool, user);
      });
      return {};
    },

    AdminSetUserPassword(input: sdk.AdminSetUserPasswordCommandInput) {
      const { UserPoolId, Username, Password = '', Permanent = false } = input;
      change(UserPoolId, Username, (user, pool) => {
        checkPassword(Password, pool.passwordPolicy);
        const { TemporaryPasswordValidityDays: days } = pool.passwordPolicy;
        return {
          password: newPassword(pool, user.username, Password),
          status: Permanent ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD',
          passwordEnds: Permanent ? Number.POSITIVE_INFINITY : clock.now() + days * DAY,
        };
      });
      return {};
    },

    AdminUpdateUserAttributes(input: sdk.AdminUpdateUserAttributesCommandInput) {
      change(input.UserPoolId, input.Username, ({ attributes }) => ({
        attributes: { ...attributes, ...attributesOf(input.UserAttributes) },
      }));
      return {};
    },

    AdminDisableUser({ UserPoolId, Username }: sdk.AdminDisableUserCommandInput) {
      change(UserPoolId, Username, (user, pool) => {
        tokens.revokeAll(pool, user);
        return { enabled: false };
      });
      return {};
    },

    AdminEnableUser({ UserPoolId, Username }: sdk.AdminEnableUserCommandInput) {
      change(UserPoolId, Username, () => ({ enabled: true }));
      return {};
    },

    AdminUserGlobalSignOut({ UserPoolId, Username }: sdk.AdminUserGlobalSignOutCommandInput) {
      const pool = pools.existing(UserPoolId);
      tokens.revokeAll(pool, users.get(pool, Username));
      return {};
    },

    ListUsers(input: sdk.ListUsersCommandInput) {
      const { UserPoolId, Filter, PaginationToken, Limit = 60, AttributesToGet } = input;
      const passes = userFilter(Filter);
      const all = users.all(pools.existing(UserPoolId)).filter(passes);
      const { items, next } = poolPage(all, ({ username }) => username, PaginationToken, Limit);
      return {
        Users: items.map((user) => ({
          ...common(user),
          Attributes: attributeList(user).filter(
            ({ Name }) => AttributesToGet?.includes(Name ?? '') !== false,
          ),
        })),
        ...(next !== undefined && { PaginationToken: next }),
      };
    },

    AdminAddUserToGroup(input: sdk.AdminAddUserToGroupCommandInput) {
      membership(input, users.join);
      return {};
    },

    AdminRemoveUserFromGroup(input: sdk.AdminRemoveUserFromGroupCommandInput) {
      membership(input, users.leave);
      return {};
    },

    AdminListGroupsForUser(input: sdk.AdminListGroupsForUserCommandInput) {
      const { UserPoolId, Username, NextToken, Limit = 60 } = input;
      const pool = pools.existing(UserPoolId);
      const all = users.groupsOf(pool, users.get(pool, Username));
      const { items, next } = poolPage(all, ({ name }) => name, NextToken, Limit);
      return {
        Groups: items.map((group) => describeGroup(pool.id, group)),
        ...(next !== undefined && { NextToken: next }),
      };
    },

    ListUsersInGroup({ UserPoolId, GroupName, NextToken, Limit = 60 }: sdk.ListUsersInGroupCommandInput) {
      const pool = pools.existing(UserPoolId);
      const group = groups.existing(pool.id, GroupName);
      const all = users.all(pool).filter((user) => users.isMember(pool, user, group));
      const { items, next } = poolPage(all, ({ username }) => username, NextToken, Limit);
      return {
        Users: items.map((user) => ({ ...common(user), Attributes: attributeList(user) })),
        ...(next !== undefined && { NextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

function common(user: UserRecord) {
  return {
    Username: user.username,
    Enabled: user.enabled,
    UserStatus: user.status,
    UserCreateDate: new Date(user.created),
    UserLastModifiedDate: new Date(user.modified),
  };
}

export function attributeList({ sub, attributes }: UserRecord): sdk.AttributeType[] {
  return [
    { Name: 'sub', Value: sub },
    ...Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
  ];
}

function attributesOf(list: sdk.AttributeType[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (list ?? []).map(({ Name = '', Value = '' }) => {
      if (ATTRIBUTES.has(Name)) return [Name, Value];
      throw invalidParameter(
        `user.${Name}: Attribute does not exist in the schema; custom attributes are not built in the local cloud.`,
      );
    }),
  );
}
