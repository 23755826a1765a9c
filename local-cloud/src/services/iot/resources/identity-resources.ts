import { z } from 'zod';
import { generatedName, tagsSchema } from '../../../resource-properties.js';
import { loadResourceSchema } from '../../../resource-schema.js';
import type { ResourceType } from '../../../resource-type.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import type { Templates } from '../provisioning/templates.js';
import type { Policies } from '../registry/policies.js';
import type { RoleAliases } from '../registry/role-aliases.js';
import { secondParts, type Tables } from '../tables.js';
import { type ResourceTags, readProperties } from './property-values.js';

const policySchema = z.object({
  PolicyName: z.string().optional(),
  PolicyDocument: z.union([z.string(), z.record(z.string(), z.unknown())]),
  Tags: tagsSchema.optional(),
});
const roleAliasSchema = z.object({
  RoleAlias: z.string().optional(),
  RoleArn: z.string(),
  CredentialDurationSeconds: z.number().optional(),
  Tags: tagsSchema.optional(),
});
const templateSchema = z.object({
  TemplateName: z.string().optional(),
  TemplateType: z.enum(['FLEET_PROVISIONING', 'JITP']).optional(),
  TemplateBody: z.string(),
  Description: z.string().optional(),
  Enabled: z.boolean().optional(),
  ProvisioningRoleArn: z.string(),
  PreProvisioningHook: z
    .object({ TargetArn: z.string().optional(), PayloadVersion: z.string().optional() })
    .optional(),
  Tags: tagsSchema.optional(),
});

/** Parts of AWS IoT that these resource types manage. */
export interface IdentityResourceParts {
  readonly tables: Tables;
  readonly changes: Changes;
  readonly arns: IotArns;
  readonly tags: ResourceTags;
  readonly policies: Policies;
  readonly templates: Templates;
  readonly aliases: RoleAliases;
}

/** AWS::IoT::Policy, AWS::IoT::RoleAlias and AWS::IoT::ProvisioningTemplate. */
export function identityResourceTypes(parts: IdentityResourceParts): ResourceType[] {
  return [policy(parts), roleAlias(parts), provisioningTemplate(parts)];
}

function policy({ tables, changes, arns, tags, policies }: IdentityResourceParts): ResourceType {
  const typeName = 'AWS::IoT::Policy';
  const text = (document: string | Record<string, unknown>) =>
    typeof document === 'string' ? document : JSON.stringify(document);
  const { operations } = policies;

  /** Deletes all versions but the default one. */
  function dropOldVersions(policyName: string): void {
    for (const { versionId, isDefaultVersion } of operations.ListPolicyVersions({ policyName })
      .policyVersions) {
      if (!isDefaultVersion) operations.DeletePolicyVersion({ policyName, policyVersionId: versionId });
    }
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const found = readProperties(policySchema, desired);
      const { PolicyName: policyName = generatedName('Policy'), PolicyDocument, Tags: tagged } = found;
      operations.CreatePolicy({ policyName, policyDocument: text(PolicyDocument), tags: tagged });
      return policyName;
    },
    read(policyName) {
      const document = policies.document(policyName);
      if (document === undefined) return undefined;
      const arn = arns.policy(policyName);
      return {
        PolicyName: policyName,
        Id: policyName,
        Arn: arn,
        PolicyDocument: JSON.parse(document) as unknown,
        ...tags.read(arn),
      };
    },
    update(policyName, desired) {
      const { PolicyDocument, Tags } = readProperties(policySchema, desired);
      const policyDocument = text(PolicyDocument);
      changes.transaction(() => {
        const current = policies.document(policyName);
        if (current === undefined || JSON.stringify(JSON.parse(current)) !== canonical(policyDocument)) {
          dropOldVersions(policyName);
          operations.CreatePolicyVersion({ policyName, policyDocument, setAsDefault: true });
          dropOldVersions(policyName);
        }
        tags.write(arns.policy(policyName), Tags);
      });
    },
    delete(policyName) {
      changes.transaction(() => {
        dropOldVersions(policyName);
        operations.DeletePolicy({ policyName });
      });
    },
    list: () => [...tables.policies.entries()].map(([name]) => name),
  };
}

/** The document without its white space; itself when it is no JSON, which the operation then refuses. */
function canonical(document: string): string {
  try {
    return JSON.stringify(JSON.parse(document));
  } catch {
    return document;
  }
}

function roleAlias({ tables, changes, arns, tags, aliases }: IdentityResourceParts): ResourceType {
  const typeName = 'AWS::IoT::RoleAlias';
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const found = readProperties(roleAliasSchema, desired);
      const { RoleAlias: name = generatedName('RoleAlias'), RoleArn, CredentialDurationSeconds } = found;
      aliases.operations.CreateRoleAlias({
        roleAlias: name,
        roleArn: RoleArn,
        credentialDurationSeconds: CredentialDurationSeconds,
        tags: found.Tags,
      });
      return name;
    },
    read(name) {
      const record = tables.roleAliases.get(name);
      if (!record) return undefined;
      const arn = arns.roleAlias(name);
      return {
        RoleAlias: name,
        RoleAliasArn: arn,
        RoleArn: record.roleArn,
        CredentialDurationSeconds: record.credentialDurationSeconds,
        ...tags.read(arn),
      };
    },
    update(name, desired) {
      const { RoleArn, CredentialDurationSeconds = 3600, Tags } = readProperties(roleAliasSchema, desired);
      changes.transaction(() => {
        aliases.operations.UpdateRoleAlias({
          roleAlias: name,
          roleArn: RoleArn,
          credentialDurationSeconds: CredentialDurationSeconds,
        });
        tags.write(arns.roleAlias(name), Tags);
      });
    },
    delete(name) {
      aliases.operations.DeleteRoleAlias({ roleAlias: name });
    },
    list: () => [...tables.roleAliases.entries()].map(([name]) => name),
  };
}

function provisioningTemplate(parts: IdentityResourceParts): ResourceType {
  const { tables, changes, arns, tags, templates } = parts;
  const typeName = 'AWS::IoT::ProvisioningTemplate';
  const { operations } = templates;

  function dropOldVersions(templateName: string): void {
    const current = operations.DescribeProvisioningTemplate({ templateName }).defaultVersionId;
    for (const [, { versionId }] of [...secondParts(tables.templateVersions, templateName)]) {
      if (versionId !== current) operations.DeleteProvisioningTemplateVersion({ templateName, versionId });
    }
  }

  const hookOf = (hook: z.infer<typeof templateSchema>['PreProvisioningHook']) =>
    hook && { targetArn: hook.TargetArn, payloadVersion: hook.PayloadVersion };

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const found = readProperties(templateSchema, desired);
      const { TemplateName: templateName = generatedName('Template') } = found;
      operations.CreateProvisioningTemplate({
        templateName,
        templateBody: found.TemplateBody,
        description: found.Description,
        enabled: found.Enabled,
        provisioningRoleArn: found.ProvisioningRoleArn,
        preProvisioningHook: hookOf(found.PreProvisioningHook),
        type: found.TemplateType,
        tags: found.Tags,
      });
      return templateName;
    },
    read(templateName) {
      if (!tables.templates.get(templateName)) return undefined;
      const found = operations.DescribeProvisioningTemplate({ templateName });
      const { preProvisioningHook: hook } = found;
      return {
        TemplateName: templateName,
        TemplateArn: found.templateArn,
        TemplateBody: found.templateBody,
        TemplateType: found.type,
        Enabled: found.enabled,
        ProvisioningRoleArn: found.provisioningRoleArn,
        ...(found.description !== undefined && { Description: found.description }),
        ...(hook && {
          PreProvisioningHook: { TargetArn: hook.targetArn, PayloadVersion: hook.payloadVersion },
        }),
        ...tags.read(found.templateArn),
      };
    },
    update(templateName, desired) {
      const found = readProperties(templateSchema, desired);
      const hook = hookOf(found.PreProvisioningHook);
      changes.transaction(() => {
        const { templateBody } = operations.DescribeProvisioningTemplate({ templateName });
        if (templateBody !== found.TemplateBody) {
          dropOldVersions(templateName);
          operations.CreateProvisioningTemplateVersion({
            templateName,
            templateBody: found.TemplateBody,
            setAsDefault: true,
          });
          dropOldVersions(templateName);
        }
        operations.UpdateProvisioningTemplate({
          templateName,
          description: found.Description ?? '',
          enabled: found.Enabled ?? false,
          provisioningRoleArn: found.ProvisioningRoleArn,
          ...(hook ? { preProvisioningHook: hook } : { removePreProvisioningHook: true }),
        });
        tags.write(arns.template(templateName), found.Tags);
      });
    },
    delete(templateName) {
      changes.transaction(() => {
        dropOldVersions(templateName);
        operations.DeleteProvisioningTemplate({ templateName });
      });
    },
    list: () => [...tables.templates.entries()].map(([name]) => name),
  };
}
