import type * as sdk from '@aws-sdk/client-cognito-identity';
import { z } from 'zod';
import { AwsError } from '../../errors.js';
import { generatedName, parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { tagList, tagsOf } from '../../tags.js';
import { type IdentityPools, type IdentityTables, notFound } from './identity-pools.js';

/** `AWS::Cognito::IdentityPool` and `AWS::Cognito::IdentityPoolRoleAttachment`. */
export function identityPoolResourceTypes(tables: IdentityTables, pools: IdentityPools): ResourceType[] {
  return [identityPoolType(tables, pools), roleAttachmentType(tables, pools)];
}

const provider = z.strictObject({
  ClientId: z.string().optional(),
  ProviderName: z.string().optional(),
  ServerSideTokenCheck: z.boolean().optional(),
});

const poolSchema = z.strictObject({
  IdentityPoolName: z.string().optional(),
  AllowUnauthenticatedIdentities: z.boolean(),
  AllowClassicFlow: z.boolean().optional(),
  CognitoIdentityProviders: z.array(provider).optional(),
  IdentityPoolTags: tagsSchema.optional(),
  Id: z.string().optional(),
  Name: z.string().optional(),
});

function identityPoolType({ pools: table }: IdentityTables, pools: IdentityPools): ResourceType {
  const typeName = 'AWS::Cognito::IdentityPool';
  const settings = (desired: ResourceProperties) => {
    const { Id: _1, Name: _2, IdentityPoolTags, ...wanted } = parseProperties(typeName, poolSchema, desired);
    return { ...wanted, IdentityPoolTags: tagsOf(IdentityPoolTags) };
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { IdentityPoolName = generatedName('identitypool'), ...wanted } = settings(desired);
      return pools.operations.CreateIdentityPool({ IdentityPoolName, ...wanted }).IdentityPoolId;
    },
    read(id) {
      const pool = table.get(id);
      if (!pool) return undefined;
      const {
        IdentityPoolId: _1,
        IdentityPoolTags: _2,
        ...known
      } = pools.operations.DescribeIdentityPool({
        IdentityPoolId: id,
      });
      const tags = tagList(pool.tags);
      return { Id: id, Name: pool.name, ...known, ...(tags.length > 0 && { IdentityPoolTags: tags }) };
    },
    update(IdentityPoolId, desired) {
      const { IdentityPoolName = table.get(IdentityPoolId)?.name, ...wanted } = settings(desired);
      pools.operations.UpdateIdentityPool({ IdentityPoolId, IdentityPoolName, ...wanted });
    },
    delete: (IdentityPoolId) => void pools.operations.DeleteIdentityPool({ IdentityPoolId }),
    list: () => [...table.entries()].map(([id]) => id),
  };
}

const mapping = z.strictObject({
  IdentityProvider: z.string().optional(),
  Type: z.enum(['Token', 'Rules']),
  AmbiguousRoleResolution: z.enum(['AuthenticatedRole', 'Deny']).optional(),
  RulesConfiguration: z.custom<sdk.RulesConfigurationType>().optional(),
});

const attachmentSchema = z.strictObject({
  IdentityPoolId: z.string(),
  Roles: z.record(z.string(), z.string()).optional(),
  RoleMappings: z.record(z.string(), mapping).optional(),
  Id: z.string().optional(),
});

/** The roles of a pool as a resource of its own: its identifier is the pool's. */
function roleAttachmentType({ pools: table }: IdentityTables, pools: IdentityPools): ResourceType {
  const typeName = 'AWS::Cognito::IdentityPoolRoleAttachment';
  const hasRoles = (id: string) => {
    const pool = table.get(id);
    return pool !== undefined && Object.keys(pool.roles).length + Object.keys(pool.roleMappings).length > 0;
  };
  function set(desired: ResourceProperties): string {
    const { IdentityPoolId, Roles, RoleMappings = {} } = parseProperties(typeName, attachmentSchema, desired);
    // The key may be any word when the mapping names its provider itself.
    const mappings = Object.entries(RoleMappings).map(([name, { IdentityProvider = name, ...rest }]) => [
      IdentityProvider,
      rest,
    ]);
    pools.operations.SetIdentityPoolRoles({
      IdentityPoolId,
      Roles: Roles ?? {},
      RoleMappings: Object.fromEntries(mappings),
    });
    return IdentityPoolId;
  }
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { IdentityPoolId } = parseProperties(typeName, attachmentSchema, desired);
      if (hasRoles(IdentityPoolId)) {
        throw new AwsError('AlreadyExists', `The identity pool ${IdentityPoolId} has roles already`);
      }
      return set(desired);
    },
    read(id) {
      if (!hasRoles(id)) return undefined;
      const { Roles, RoleMappings } = pools.operations.GetIdentityPoolRoles({ IdentityPoolId: id });
      return { Id: id, IdentityPoolId: id, Roles, ...(RoleMappings && { RoleMappings }) };
    },
    update(id, desired) {
      if (!hasRoles(id)) throw notFound(`IdentityPool '${id}' has no roles.`);
      set(desired);
    },
    delete(IdentityPoolId) {
      pools.operations.SetIdentityPoolRoles({ IdentityPoolId, Roles: {} });
    },
    list: () => [...table.entries()].map(([id]) => id).filter(hasRoles),
  };
}
