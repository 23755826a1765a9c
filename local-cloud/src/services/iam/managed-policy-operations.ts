import type * as sdk from '@aws-sdk/client-iam';
import type { Operations } from '../../service.js';
import { tagList } from '../../tags.js';
import { AWS_MANAGED_POLICIES, isAwsManaged } from './aws-managed-policies.js';
import { noSuchEntity } from './errors.js';
import type { ManagedPolicies } from './managed-policies.js';
import { encoded, page, tagRecord } from './paging.js';
import { checkName, checkPath } from './roles.js';
import type { ManagedPolicy, PolicyVersion } from './tables.js';

/** Managed policies, their versions, and who has them attached. */
export function managedPolicyOperations(policies: ManagedPolicies): Operations<typeof sdk> {
  const describe = (policy: ManagedPolicy) => ({
    PolicyName: policy.policyName,
    PolicyId: policy.policyId,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: policies.rolesWith(policy.arn).length,
    PermissionsBoundaryUsageCount: policies.boundaryCount(policy.arn),
    IsAttachable: true,
    CreateDate: new Date(policy.created),
    UpdateDate: new Date(policy.updated),
  });

  return {
    CreatePolicy({ PolicyName = '', Path = '/', Description, PolicyDocument = '', Tags }) {
      checkName(PolicyName, 'policyName', 128);
      checkPath(Path);
      const policy = policies.create({
        policyName: PolicyName,
        path: Path,
        description: Description,
        document: PolicyDocument,
        tags: tagRecord(Tags),
      });
      return { Policy: { ...describe(policy), ...(Tags ? { Tags: tagList(policy.tags) } : {}) } };
    },
    GetPolicy({ PolicyArn = '' }) {
      const policy = policies.get(PolicyArn);
      return {
        Policy: { ...describe(policy), Description: policy.description, Tags: tagList(policy.tags) },
      };
    },
    ListPolicies({ Scope = 'All', OnlyAttached = false, PathPrefix = '/', Marker, MaxItems }) {
      const all = [...policies.all(), ...AWS_MANAGED_POLICIES.values()]
        .filter(
          ({ arn, path }) =>
            path.startsWith(PathPrefix) && (Scope === 'All' || (Scope === 'AWS') === isAwsManaged(arn)),
        )
        .filter(({ arn }) => !OnlyAttached || policies.rolesWith(arn).length > 0)
        .sort((a, b) => (a.arn < b.arn ? -1 : 1));
      const { items, ...rest } = page(all, ({ arn }) => arn, { Marker, MaxItems });
      return { Policies: items.map(describe), ...rest };
    },
    DeletePolicy({ PolicyArn = '' }) {
      policies.delete(PolicyArn);
      return {};
    },
    CreatePolicyVersion({ PolicyArn = '', PolicyDocument = '', SetAsDefault = false }) {
      const added = policies.addVersion(PolicyArn, PolicyDocument, SetAsDefault);
      const { Document: _, ...version } = describeVersion(policies.get(PolicyArn), added);
      return { PolicyVersion: version };
    },
    GetPolicyVersion({ PolicyArn = '', VersionId = '' }) {
      const policy = policies.get(PolicyArn);
      const version = policy.versions.find(({ versionId }) => versionId === VersionId);
      if (!version) {
        throw noSuchEntity(`Policy ${PolicyArn} version ${VersionId} does not exist or is not attachable.`);
      }
      return { PolicyVersion: describeVersion(policy, version) };
    },
    ListPolicyVersions({ PolicyArn = '', Marker, MaxItems }) {
      const policy = policies.get(PolicyArn);
      const newestFirst = [...policy.versions].reverse();
      const order = ({ versionId }: PolicyVersion) => String(10 ** 6 - Number(versionId.slice(1)));
      const { items, ...rest } = page(newestFirst, order, { Marker, MaxItems });
      return {
        Versions: items.map((version) => {
          const { Document: _, ...listed } = describeVersion(policy, version);
          return listed;
        }),
        ...rest,
      };
    },
    SetDefaultPolicyVersion({ PolicyArn = '', VersionId = '' }) {
      policies.setDefault(PolicyArn, VersionId);
      return {};
    },
    DeletePolicyVersion({ PolicyArn = '', VersionId = '' }) {
      policies.deleteVersion(PolicyArn, VersionId);
      return {};
    },
    ListEntitiesForPolicy({ PolicyArn = '', EntityFilter, Marker, MaxItems }) {
      policies.get(PolicyArn);
      const names =
        EntityFilter === undefined || EntityFilter === 'Role' ? policies.rolesWith(PolicyArn) : [];
      const { items, ...rest } = page(names.sort(), (name) => name, { Marker, MaxItems });
      return {
        PolicyRoles: items.map((RoleName) => ({ RoleName })),
        PolicyUsers: [],
        PolicyGroups: [],
        ...rest,
      };
    },
    TagPolicy({ PolicyArn = '', Tags }) {
      policies.tag(PolicyArn, { ...policies.get(PolicyArn).tags, ...tagRecord(Tags) });
      return {};
    },
    UntagPolicy({ PolicyArn = '', TagKeys = [] }) {
      const left = Object.entries(policies.get(PolicyArn).tags).filter(([name]) => !TagKeys.includes(name));
      policies.tag(PolicyArn, Object.fromEntries(left));
      return {};
    },
    ListPolicyTags({ PolicyArn = '', Marker, MaxItems }) {
      const { items, ...rest } = page(tagList(policies.get(PolicyArn).tags), ({ Key }) => Key, {
        Marker,
        MaxItems,
      });
      return { Tags: items, ...rest };
    },
  };
}

function describeVersion(policy: ManagedPolicy, version: PolicyVersion) {
  return {
    Document: encoded(version.document),
    VersionId: version.versionId,
    IsDefaultVersion: version.versionId === policy.defaultVersion,
    CreateDate: new Date(version.created),
  };
}
