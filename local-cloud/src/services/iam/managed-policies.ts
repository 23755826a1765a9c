import { AWS_MANAGED_POLICIES, isAwsManaged } from './aws-managed-policies.js';
import {
  alreadyExists,
  checkDocument,
  deleteConflict,
  limitExceeded,
  noSuchEntity,
  sizeOf,
  validationError,
} from './errors.js';
import { type IamTables, type ManagedPolicy, type PolicyVersion, uniqueId } from './tables.js';

/** Managed policies: AWS's and the account's own, their versions, and who has them attached. */
export interface ManagedPolicies {
  /** @throws NoSuchEntityException. */
  get(arn: string): ManagedPolicy;
  find(arn: string): ManagedPolicy | undefined;
  /** The text that is in force. */
  document(arn: string): string | undefined;
  create(draft: {
    policyName: string;
    path: string;
    description: string | undefined;
    document: string;
    tags: Record<string, string>;
  }): ManagedPolicy;
  /** Adds a version. @throws LimitExceededException when there are five. */
  addVersion(arn: string, document: string, setAsDefault: boolean): PolicyVersion;
  setDefault(arn: string, versionId: string): void;
  deleteVersion(arn: string, versionId: string): void;
  tag(arn: string, tags: Record<string, string>): void;
  /** @throws DeleteConflictException when it is attached or has versions besides the default one. */
  delete(arn: string): void;
  all(): ManagedPolicy[];
  /** Names of the roles that have it attached. */
  rolesWith(arn: string): string[];
  /** Number of roles that have it as their permissions boundary. */
  boundaryCount(arn: string): number;
}

const MOST_VERSIONS = 5;
/** Characters, white space not counted (IAM user guide, "IAM and AWS STS quotas"). */
const LARGEST = 6144;

function checkSize(document: string): void {
  if (sizeOf(document) > LARGEST) throw limitExceeded(`Cannot exceed quota for PolicySize: ${LARGEST}`);
}

export function managedPolicies(tables: IamTables, accountId: string, now: () => number): ManagedPolicies {
  const { policies, roles } = tables;
  const find = (arn: string) => policies.get(arn) ?? AWS_MANAGED_POLICIES.get(arn);
  const get = (arn: string) => {
    const policy = find(arn);
    if (policy) return policy;
    throw noSuchEntity(
      isAwsManaged(arn)
        ? `Policy ${arn} does not exist or is not known to the local cloud.`
        : `Policy ${arn} was not found.`,
    );
  };
  const getOwn = (arn: string) => {
    const policy = get(arn);
    if (isAwsManaged(arn)) throw validationError(`Policy ${arn} is managed by AWS and cannot be changed.`);
    return policy;
  };
  const version = (policy: ManagedPolicy, versionId: string) => {
    const found = policy.versions.find((candidate) => candidate.versionId === versionId);
    if (!found) {
      throw noSuchEntity(`Policy ${policy.arn} version ${versionId} does not exist or is not attachable.`);
    }
    return found;
  };
  const rolesWith = (arn: string) =>
    [...roles.entries()].flatMap(([, role]) => (role.attachedPolicies.includes(arn) ? [role.roleName] : []));

  return {
    get,
    find,
    rolesWith,
    boundaryCount: (arn) =>
      [...roles.entries()].filter(([, role]) => role.permissionsBoundary === arn).length,
    document(arn) {
      const policy = find(arn);
      return policy && version(policy, policy.defaultVersion).document;
    },
    create({ policyName, path, description, document, tags }) {
      checkSize(document);
      checkDocument(document, 'identity');
      const arn = `arn:aws:iam::${accountId}:policy${path}${policyName}`;
      if (
        [...policies.entries()].some(
          ([, other]) => other.policyName.toLowerCase() === policyName.toLowerCase(),
        )
      ) {
        throw alreadyExists(`A policy called ${policyName} already exists. Duplicate names are not allowed.`);
      }
      const created = now();
      const policy: ManagedPolicy = {
        arn,
        policyName,
        policyId: uniqueId('ANPA'),
        path,
        ...(description === undefined ? {} : { description }),
        created,
        updated: created,
        defaultVersion: 'v1',
        versions: [{ versionId: 'v1', document, created }],
        lastVersion: 1,
        tags,
      };
      policies.put(arn, policy);
      return policy;
    },
    addVersion(arn, document, setAsDefault) {
      const policy = getOwn(arn);
      checkSize(document);
      checkDocument(document, 'identity');
      if (policy.versions.length >= MOST_VERSIONS) {
        throw limitExceeded(
          'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
        );
      }
      const added = { versionId: `v${policy.lastVersion + 1}`, document, created: now() };
      policies.put(arn, {
        ...policy,
        versions: [...policy.versions, added],
        lastVersion: policy.lastVersion + 1,
        updated: added.created,
        ...(setAsDefault ? { defaultVersion: added.versionId } : {}),
      });
      return added;
    },
    setDefault(arn, versionId) {
      const policy = getOwn(arn);
      policies.put(arn, { ...policy, defaultVersion: version(policy, versionId).versionId, updated: now() });
    },
    deleteVersion(arn, versionId) {
      const policy = getOwn(arn);
      version(policy, versionId);
      if (policy.defaultVersion === versionId) {
        throw deleteConflict('Cannot delete the default version of a policy.');
      }
      const versions = policy.versions.filter((candidate) => candidate.versionId !== versionId);
      policies.put(arn, { ...policy, versions });
    },
    tag(arn, tags) {
      policies.put(arn, { ...getOwn(arn), tags });
    },
    delete(arn) {
      const policy = getOwn(arn);
      if (rolesWith(arn).length > 0) {
        throw deleteConflict('Cannot delete a policy attached to entities.');
      }
      if (policy.versions.length > 1) {
        throw deleteConflict(
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      }
      policies.delete(arn);
    },
    all: () => [...policies.entries()].map(([, policy]) => policy),
  };
}
