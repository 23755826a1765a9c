import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import { z } from 'zod';
import { AwsError } from '../../errors.js';
import { generatedName, parseProperties } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { key } from '../../store/store.js';
import type { Clients } from './client-operations.js';
import type { Groups } from './group-operations.js';
import type { Pools } from './pool-operations.js';
import type { UserPoolTables } from './tables.js';
import type { userOperations } from './user-operations.js';
import type { Users } from './users.js';

interface Needs {
  readonly tables: UserPoolTables;
  readonly pools: Pools;
  readonly clients: Clients;
  readonly groups: Groups;
  readonly users: Users;
  readonly administration: ReturnType<typeof userOperations>;
  /** `cognito-idp.{region}.amazonaws.com/{pool id}`. */
  readonly providerOf: (poolId: string) => string;
}

/** `AWS::Cognito::UserPool`, `UserPoolClient`, `UserPoolGroup` and `UserPoolUser`. */
export function userPoolResourceTypes(needs: Needs): ResourceType[] {
  return [userPoolType(needs), clientType(needs), groupType(needs), userType(needs)];
}

const poolSchema = z.strictObject({
  UserPoolName: z.string().optional(),
  AccountRecoverySetting: z.custom<sdk.AccountRecoverySettingType>().optional(),
  AdminCreateUserConfig: z.custom<sdk.AdminCreateUserConfigType>().optional(),
  DeletionProtection: z.enum(['ACTIVE', 'INACTIVE']).optional(),
  MfaConfiguration: z.literal('OFF').optional(),
  Policies: z.custom<sdk.UserPoolPolicyType>().optional(),
  UserPoolTags: z.record(z.string(), z.string()).optional(),
  UserPoolTier: z.enum(['LITE', 'ESSENTIALS', 'PLUS']).optional(),
  UsernameConfiguration: z.strictObject({ CaseSensitive: z.boolean() }).optional(),
  Arn: z.string().optional(),
  ProviderName: z.string().optional(),
  ProviderURL: z.string().optional(),
  UserPoolId: z.string().optional(),
});

function userPoolType({ tables, pools, providerOf }: Needs): ResourceType {
  const typeName = 'AWS::Cognito::UserPool';
  const settings = (desired: ResourceProperties) => {
    const { UserPoolName, UsernameConfiguration, ...wanted } = parseProperties(typeName, poolSchema, desired);
    const { Arn: _1, ProviderName: _2, ProviderURL: _3, UserPoolId: _4, ...given } = wanted;
    return { UserPoolName, UsernameConfiguration, given };
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { UserPoolName, UsernameConfiguration, given } = settings(desired);
      const { UserPool } = pools.operations.CreateUserPool({
        PoolName: UserPoolName ?? generatedName('userpool'),
        UsernameConfiguration,
        ...given,
      });
      return UserPool.Id ?? '';
    },
    read(id) {
      if (!tables.pools.get(id)) return undefined;
      const { UserPool } = pools.operations.DescribeUserPool({ UserPoolId: id });
      const provider = providerOf(id);
      return {
        UserPoolId: id,
        Arn: UserPool.Arn,
        ProviderName: provider,
        ProviderURL: `https://${provider}`,
        UserPoolName: UserPool.Name,
        Policies: UserPool.Policies,
        AdminCreateUserConfig: UserPool.AdminCreateUserConfig,
        DeletionProtection: UserPool.DeletionProtection,
        MfaConfiguration: UserPool.MfaConfiguration,
        UsernameConfiguration: UserPool.UsernameConfiguration,
        UserPoolTier: UserPool.UserPoolTier,
        ...(UserPool.AccountRecoverySetting && { AccountRecoverySetting: UserPool.AccountRecoverySetting }),
        ...(UserPool.UserPoolTags && { UserPoolTags: UserPool.UserPoolTags }),
      };
    },
    update(UserPoolId, desired) {
      const { UserPoolName, given } = settings(desired);
      pools.operations.UpdateUserPool({ UserPoolId, PoolName: UserPoolName, ...given });
    },
    delete: (UserPoolId) => void pools.operations.DeleteUserPool({ UserPoolId }),
    list: () => [...tables.pools.entries()].map(([id]) => id),
  };
}

const clientSchema = z.strictObject({
  UserPoolId: z.string(),
  ClientName: z.string().optional(),
  GenerateSecret: z.literal(false).optional(),
  ExplicitAuthFlows: z.array(z.custom<sdk.ExplicitAuthFlowsType>()).optional(),
  PreventUserExistenceErrors: z.enum(['ENABLED', 'LEGACY']).optional(),
  EnableTokenRevocation: z.boolean().optional(),
  IdTokenValidity: z.number().optional(),
  AccessTokenValidity: z.number().optional(),
  RefreshTokenValidity: z.number().optional(),
  TokenValidityUnits: z.custom<sdk.TokenValidityUnitsType>().optional(),
  ClientId: z.string().optional(),
  Name: z.string().optional(),
});

function clientType({ tables, clients }: Needs): ResourceType {
  const typeName = 'AWS::Cognito::UserPoolClient';
  const parts = (identifier: string) => {
    const [UserPoolId = '', ClientId = ''] = identifier.split('|');
    return { UserPoolId, ClientId };
  };
  const settings = (desired: ResourceProperties) => {
    const {
      ClientId: _1,
      Name: _2,
      GenerateSecret: _3,
      ...given
    } = parseProperties(typeName, clientSchema, desired);
    return given;
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { ClientName = generatedName('client'), ...given } = settings(desired);
      const { UserPoolClient } = clients.operations.CreateUserPoolClient({ ClientName, ...given });
      return `${given.UserPoolId}|${UserPoolClient.ClientId}`;
    },
    read(identifier) {
      const { UserPoolId, ClientId } = parts(identifier);
      if (tables.clients.get(ClientId)?.poolId !== UserPoolId) return undefined;
      const { UserPoolClient } = clients.operations.DescribeUserPoolClient({ UserPoolId, ClientId });
      const { CreationDate: _1, LastModifiedDate: _2, AuthSessionValidity: _3, ...known } = UserPoolClient;
      const { AllowedOAuthFlowsUserPoolClient: _4, ...properties } = known;
      return { ...properties, Name: UserPoolClient.ClientName };
    },
    update(identifier, desired) {
      clients.operations.UpdateUserPoolClient({ ...settings(desired), ...parts(identifier) });
    },
    delete: (identifier) => void clients.operations.DeleteUserPoolClient(parts(identifier)),
    list: () => [...tables.clients.entries()].map(([id, { poolId }]) => `${poolId}|${id}`),
  };
}

const groupSchema = z.strictObject({
  UserPoolId: z.string(),
  GroupName: z.string().optional(),
  Description: z.string().optional(),
  Precedence: z.number().optional(),
  RoleArn: z.string().optional(),
});

function groupType({ tables, groups }: Needs): ResourceType {
  const typeName = 'AWS::Cognito::UserPoolGroup';
  const parts = (identifier: string) => {
    const [UserPoolId = '', GroupName = ''] = identifier.split('|');
    return { UserPoolId, GroupName };
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { GroupName = generatedName('group'), ...wanted } = parseProperties(
        typeName,
        groupSchema,
        desired,
      );
      groups.operations.CreateGroup({ GroupName, ...wanted });
      return `${wanted.UserPoolId}|${GroupName}`;
    },
    read(identifier) {
      const { UserPoolId, GroupName } = parts(identifier);
      if (!tables.groups.get(key(UserPoolId, GroupName))) return undefined;
      const {
        CreationDate: _1,
        LastModifiedDate: _2,
        ...properties
      } = groups.operations.GetGroup({
        UserPoolId,
        GroupName,
      }).Group;
      return { ...properties };
    },
    update(identifier, desired) {
      const wanted = parseProperties(typeName, groupSchema, desired);
      groups.operations.UpdateGroup({ ...wanted, ...parts(identifier) });
    },
    delete: (identifier) => void groups.operations.DeleteGroup(parts(identifier)),
    list: () => [...tables.groups.entries()].map(([id]) => id.replace('\u001f', '|')),
  };
}

const userSchema = z.strictObject({
  UserPoolId: z.string(),
  Username: z.string().optional(),
  MessageAction: z.literal('SUPPRESS').optional(),
  UserAttributes: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).optional(),
});

function userType({ tables, pools, users, administration }: Needs): ResourceType {
  const typeName = 'AWS::Cognito::UserPoolUser';
  const parts = (identifier: string) => {
    const [UserPoolId = '', Username = ''] = identifier.split('|');
    return { UserPoolId, Username };
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { Username = generatedName('user'), ...wanted } = parseProperties(typeName, userSchema, desired);
      const { User } = administration.operations.AdminCreateUser({ Username, ...wanted });
      return `${wanted.UserPoolId}|${User.Username}`;
    },
    read(identifier) {
      const { UserPoolId, Username } = parts(identifier);
      const pool = tables.pools.get(UserPoolId);
      const user = pool && users.find(pool, Username);
      return user && { UserPoolId, Username: user.username };
    },
    update() {
      throw new AwsError('NotUpdatable', `A resource of type ${typeName} can only be replaced`);
    },
    delete: (identifier) => void administration.operations.AdminDeleteUser(parts(identifier)),
    list: () =>
      [...tables.pools.entries()].flatMap(([id, pool]) =>
        users.all(pool).map(({ username }) => `${id}|${pools.existing(id) && username}`),
      ),
  };
}
