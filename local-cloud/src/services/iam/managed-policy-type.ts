import { z } from 'zod';
import {
  documentText,
  generatedName,
  parseProperties,
  policyDocumentSchema,
} from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceType } from '../../resource-type.js';
import type { IamResources } from './iam-resources.js';
import { checkName, checkPath } from './roles.js';

/** Users and groups are not built: only empty lists of them are accepted. */
const none = z.array(z.string()).max(0, 'users and groups are not built in the local cloud').optional();

const schema = z.strictObject({
  ManagedPolicyName: z.string().optional(),
  Path: z.string().optional(),
  Description: z.string().optional(),
  PolicyDocument: policyDocumentSchema,
  Roles: z.array(z.string()).optional(),
  Users: none,
  Groups: none,
  PolicyArn: z.string().optional(),
  AttachmentCount: z.number().optional(),
  CreateDate: z.string().optional(),
  DefaultVersionId: z.string().optional(),
  IsAttachable: z.boolean().optional(),
  PermissionsBoundaryUsageCount: z.number().optional(),
  PolicyId: z.string().optional(),
  UpdateDate: z.string().optional(),
});

/** `AWS::IAM::ManagedPolicy`. */
export function managedPolicyType({ policies, roles, store }: IamResources): ResourceType {
  const typeName = 'AWS::IAM::ManagedPolicy';

  function attachTo(arn: string, wanted: readonly string[]): void {
    for (const roleName of policies.rolesWith(arn)) {
      if (!wanted.includes(roleName)) roles.detach(roleName, arn);
    }
    for (const roleName of wanted) roles.attach(roleName, arn);
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const policyName = wanted.ManagedPolicyName ?? generatedName('policy');
      const path = wanted.Path ?? '/';
      checkName(policyName, 'policyName', 128);
      checkPath(path);
      return store.transaction(() => {
        const document = documentText(wanted.PolicyDocument);
        const { arn } = policies.create({
          policyName,
          path,
          description: wanted.Description,
          document,
          tags: {},
        });
        attachTo(arn, wanted.Roles ?? []);
        return arn;
      });
    },
    read(arn) {
      const policy = policies.find(arn);
      const document = policies.document(arn);
      if (!policy || document === undefined) return undefined;
      const attachedTo = policies.rolesWith(arn);
      return {
        PolicyArn: arn,
        ManagedPolicyName: policy.policyName,
        Path: policy.path,
        Description: policy.description ?? '',
        PolicyDocument: JSON.parse(document),
        Roles: attachedTo,
        Users: [],
        Groups: [],
        AttachmentCount: attachedTo.length,
        CreateDate: new Date(policy.created).toISOString(),
        UpdateDate: new Date(policy.updated).toISOString(),
        DefaultVersionId: policy.defaultVersion,
        IsAttachable: true,
        PermissionsBoundaryUsageCount: policies.boundaryCount(arn),
        PolicyId: policy.policyId,
      };
    },
    update(arn, desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const document = documentText(wanted.PolicyDocument);
      store.transaction(() => {
        const { versions, defaultVersion } = policies.get(arn);
        if (JSON.stringify(JSON.parse(policies.document(arn) ?? '')) !== document) {
          const oldest = versions.find(({ versionId }) => versionId !== defaultVersion);
          if (versions.length >= 5 && oldest) policies.deleteVersion(arn, oldest.versionId);
          policies.addVersion(arn, document, true);
        }
        attachTo(arn, wanted.Roles ?? []);
      });
    },
    delete(arn) {
      store.transaction(() => {
        const { versions, defaultVersion } = policies.get(arn);
        attachTo(arn, []);
        for (const { versionId } of versions) {
          if (versionId !== defaultVersion) policies.deleteVersion(arn, versionId);
        }
        policies.delete(arn);
      });
    },
    list: () => policies.all().map(({ arn }) => arn),
  };
}
