import { z } from 'zod';
import {
  documentText,
  generatedName,
  parseProperties,
  policyDocumentSchema,
  tagsSchema,
} from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { tagList } from '../../tags.js';
import type { IamResources } from './iam-resources.js';
import { managedPolicyType } from './managed-policy-type.js';
import { oidcProviderType } from './oidc-provider-type.js';
import { tagRecord } from './paging.js';

/** `AWS::IAM::Role`, `AWS::IAM::RolePolicy`, `AWS::IAM::ManagedPolicy`, `AWS::IAM::OIDCProvider`. */
export function iamResourceTypes(resources: IamResources): ResourceType[] {
  return [
    roleType(resources),
    rolePolicyType(resources),
    managedPolicyType(resources),
    oidcProviderType(resources),
  ];
}

const roleSchema = z.strictObject({
  RoleName: z.string().optional(),
  Path: z.string().optional(),
  Description: z.string().optional(),
  MaxSessionDuration: z.number().optional(),
  PermissionsBoundary: z.string().optional(),
  AssumeRolePolicyDocument: policyDocumentSchema,
  ManagedPolicyArns: z.array(z.string()).optional(),
  Policies: z
    .array(z.strictObject({ PolicyName: z.string(), PolicyDocument: policyDocumentSchema }))
    .optional(),
  Tags: tagsSchema.optional(),
  Arn: z.string().optional(),
  RoleId: z.string().optional(),
});
type RoleProperties = z.infer<typeof roleSchema>;

function roleType({ roles, store }: IamResources): ResourceType {
  const typeName = 'AWS::IAM::Role';

  /** Brings policies from what the resource had to what it is to have; others' policies stay. */
  function applyPolicies(roleName: string, wanted: RoleProperties, had: Partial<RoleProperties>): void {
    const arns = wanted.ManagedPolicyArns ?? [];
    for (const arn of had.ManagedPolicyArns ?? []) {
      if (!arns.includes(arn) && roles.get(roleName).attachedPolicies.includes(arn))
        roles.detach(roleName, arn);
    }
    for (const arn of arns) roles.attach(roleName, arn);
    const inline = wanted.Policies ?? [];
    for (const { PolicyName: name } of had.Policies ?? []) {
      const isThere = roles.get(roleName).inlinePolicies[name] !== undefined;
      if (isThere && !inline.some(({ PolicyName }) => PolicyName === name))
        roles.deleteInlinePolicy(roleName, name);
    }
    for (const { PolicyName, PolicyDocument } of inline) {
      roles.putInlinePolicy(roleName, PolicyName, documentText(PolicyDocument));
    }
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = parseProperties(typeName, roleSchema, desired);
      const roleName = wanted.RoleName ?? generatedName('role');
      store.transaction(() => {
        roles.create({
          roleName,
          path: wanted.Path ?? '/',
          description: wanted.Description,
          maxSessionDuration: wanted.MaxSessionDuration,
          trustPolicy: documentText(wanted.AssumeRolePolicyDocument),
          permissionsBoundary: wanted.PermissionsBoundary,
          tags: tagRecord(wanted.Tags),
        });
        applyPolicies(roleName, wanted, {});
      });
      return roleName;
    },
    read(roleName) {
      const role = roles.find(roleName);
      if (!role) return undefined;
      const policies = Object.entries(role.inlinePolicies);
      return {
        RoleName: roleName,
        RoleId: role.roleId,
        Arn: role.arn,
        Path: role.path,
        MaxSessionDuration: role.maxSessionDuration,
        AssumeRolePolicyDocument: JSON.parse(role.trustPolicy),
        ...(role.description ? { Description: role.description } : {}),
        ...(role.permissionsBoundary ? { PermissionsBoundary: role.permissionsBoundary } : {}),
        ...(role.attachedPolicies.length > 0 ? { ManagedPolicyArns: role.attachedPolicies } : {}),
        ...(policies.length > 0
          ? {
              Policies: policies.map(([PolicyName, text]) => ({
                PolicyName,
                PolicyDocument: JSON.parse(text),
              })),
            }
          : {}),
        ...(Object.keys(role.tags).length > 0 ? { Tags: tagList(role.tags) } : {}),
      };
    },
    update(roleName, desired, previous) {
      const wanted = parseProperties(typeName, roleSchema, desired);
      const had = parseProperties(typeName, roleSchema.partial(), previous);
      store.transaction(() => {
        roles.update(roleName, {
          description: wanted.Description ?? '',
          maxSessionDuration: wanted.MaxSessionDuration ?? 3600,
        });
        roles.setTrustPolicy(roleName, documentText(wanted.AssumeRolePolicyDocument));
        roles.setBoundary(roleName, wanted.PermissionsBoundary);
        roles.setTags(roleName, tagRecord(wanted.Tags));
        applyPolicies(roleName, wanted, had);
      });
    },
    delete(roleName) {
      store.transaction(() => {
        const role = roles.get(roleName);
        for (const arn of role.attachedPolicies) roles.detach(roleName, arn);
        for (const policyName of Object.keys(role.inlinePolicies)) {
          roles.deleteInlinePolicy(roleName, policyName);
        }
        roles.delete(roleName);
      });
    },
    list: () => roles.all().map(({ roleName }) => roleName),
  };
}

const rolePolicySchema = z.strictObject({
  PolicyName: z.string(),
  RoleName: z.string(),
  PolicyDocument: policyDocumentSchema.optional(),
});

function rolePolicyType({ roles }: IamResources): ResourceType {
  const typeName = 'AWS::IAM::RolePolicy';
  const put = (desired: ResourceProperties) => {
    const wanted = parseProperties(typeName, rolePolicySchema, desired);
    roles.putInlinePolicy(wanted.RoleName, wanted.PolicyName, documentText(wanted.PolicyDocument ?? ''));
    return `${wanted.PolicyName}|${wanted.RoleName}`;
  };
  const split = (identifier: string) => {
    const [policyName = '', roleName = ''] = identifier.split('|');
    return { policyName, roleName };
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create: put,
    read(identifier) {
      const { policyName, roleName } = split(identifier);
      const document = roles.find(roleName)?.inlinePolicies[policyName];
      if (document === undefined) return undefined;
      return { PolicyName: policyName, RoleName: roleName, PolicyDocument: JSON.parse(document) };
    },
    update(_identifier, desired) {
      put(desired);
    },
    delete(identifier) {
      const { policyName, roleName } = split(identifier);
      roles.deleteInlinePolicy(roleName, policyName);
    },
    list: () =>
      roles
        .all()
        .flatMap(({ roleName, inlinePolicies }) =>
          Object.keys(inlinePolicies).map((policyName) => `${policyName}|${roleName}`),
        ),
  };
}
