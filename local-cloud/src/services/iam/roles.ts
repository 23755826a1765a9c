import { violation } from '../../constraints.js';
import {
  alreadyExists,
  checkDocument,
  deleteConflict,
  limitExceeded,
  noSuchEntity,
  sizeOf,
  validationError,
} from './errors.js';
import type { ManagedPolicies } from './managed-policies.js';
import { getRole, type IamTables, putRole, type Role, uniqueId } from './tables.js';

/** Roles and what is attached to them; every change is whole when it returns. */
export interface Roles {
  find(roleName: string): Role | undefined;
  /** @throws NoSuchEntityException. */
  get(roleName: string): Role;
  create(draft: RoleDraft): Role;
  update(roleName: string, change: Partial<Pick<Role, 'description' | 'maxSessionDuration'>>): void;
  setTrustPolicy(roleName: string, document: string): void;
  putInlinePolicy(roleName: string, policyName: string, document: string): void;
  deleteInlinePolicy(roleName: string, policyName: string): void;
  attach(roleName: string, policyArn: string): void;
  detach(roleName: string, policyArn: string): void;
  setBoundary(roleName: string, policyArn: string | undefined): void;
  setTags(roleName: string, tags: Record<string, string>): void;
  /** @throws DeleteConflictException while policies are in it or attached to it. */
  delete(roleName: string): void;
  /** In order of their names. */
  all(): Role[];
}

export interface RoleDraft {
  readonly roleName: string;
  readonly path: string;
  readonly description: string | undefined;
  readonly maxSessionDuration: number | undefined;
  readonly trustPolicy: string;
  readonly permissionsBoundary: string | undefined;
  readonly tags: Record<string, string>;
}

/** Quota of managed policies attached to a role (IAM user guide, "IAM and AWS STS quotas"). */
const MOST_ATTACHED = 10;
/** Characters of all inline policies of a role together, white space not counted. */
const LARGEST_INLINE = 10_240;

export function roles(
  tables: IamTables,
  policies: ManagedPolicies,
  { accountId, now }: { accountId: string; now: () => number },
): Roles {
  const get = (roleName: string) => getRole(tables, roleName);
  const change = (roleName: string, changed: Partial<Role>) =>
    putRole(tables, { ...get(roleName), ...changed });

  return {
    find(roleName) {
      const role = tables.roles.get(roleName.toLowerCase());
      return role?.roleName === roleName ? role : undefined;
    },
    get,
    create(draft) {
      const { roleName, path, description, maxSessionDuration = 3600, trustPolicy, tags } = draft;
      checkName(roleName, 'roleName', 64);
      checkPath(path);
      checkDuration(maxSessionDuration);
      checkDocument(trustPolicy, 'trust');
      if (tables.roles.get(roleName.toLowerCase())) {
        throw alreadyExists(`Role with name ${roleName} already exists.`);
      }
      const { permissionsBoundary } = draft;
      if (permissionsBoundary !== undefined) policies.get(permissionsBoundary);
      const role: Role = {
        roleName,
        roleId: uniqueId('AROA'),
        path,
        arn: `arn:aws:iam::${accountId}:role${path}${roleName}`,
        created: now(),
        ...(description === undefined ? {} : { description }),
        maxSessionDuration,
        trustPolicy,
        inlinePolicies: {},
        attachedPolicies: [],
        ...(permissionsBoundary === undefined ? {} : { permissionsBoundary }),
        tags,
      };
      putRole(tables, role);
      return role;
    },
    update(roleName, changed) {
      if (changed.maxSessionDuration !== undefined) checkDuration(changed.maxSessionDuration);
      change(roleName, changed);
    },
    setTrustPolicy(roleName, trustPolicy) {
      checkDocument(trustPolicy, 'trust');
      change(roleName, { trustPolicy });
    },
    putInlinePolicy(roleName, policyName, document) {
      checkName(policyName, 'policyName', 128);
      checkDocument(document, 'identity');
      const { inlinePolicies } = get(roleName);
      const all = { ...inlinePolicies, [policyName]: document };
      const size = Object.values(all).reduce((sum, text) => sum + sizeOf(text), 0);
      if (size > LARGEST_INLINE) {
        throw limitExceeded(`Maximum policy size of ${LARGEST_INLINE} bytes exceeded for role ${roleName}`);
      }
      change(roleName, { inlinePolicies: all });
    },
    deleteInlinePolicy(roleName, policyName) {
      const { [policyName]: deleted, ...inlinePolicies } = get(roleName).inlinePolicies;
      if (deleted === undefined) {
        throw noSuchEntity(`The role policy with name ${policyName} cannot be found.`);
      }
      change(roleName, { inlinePolicies });
    },
    attach(roleName, policyArn) {
      const { attachedPolicies } = get(roleName);
      policies.get(policyArn);
      if (attachedPolicies.includes(policyArn)) return;
      if (attachedPolicies.length >= MOST_ATTACHED) {
        throw limitExceeded(`Cannot exceed quota for PoliciesPerRole: ${MOST_ATTACHED}`);
      }
      change(roleName, { attachedPolicies: [...attachedPolicies, policyArn] });
    },
    detach(roleName, policyArn) {
      const { attachedPolicies } = get(roleName);
      if (!attachedPolicies.includes(policyArn)) throw noSuchEntity(`Policy ${policyArn} was not found.`);
      change(roleName, { attachedPolicies: attachedPolicies.filter((arn) => arn !== policyArn) });
    },
    setBoundary(roleName, policyArn) {
      const { permissionsBoundary: _, ...role } = get(roleName);
      if (policyArn !== undefined) policies.get(policyArn);
      putRole(tables, policyArn === undefined ? role : { ...role, permissionsBoundary: policyArn });
    },
    setTags: (roleName, tags) => change(roleName, { tags }),
    delete(roleName) {
      const role = get(roleName);
      if (role.attachedPolicies.length > 0) {
        throw deleteConflict('Cannot delete entity, must detach all policies first.');
      }
      if (Object.keys(role.inlinePolicies).length > 0) {
        throw deleteConflict('Cannot delete entity, must delete policies first.');
      }
      tables.roles.delete(roleName.toLowerCase());
    },
    all: () => [...tables.roles.entries()].map(([, role]) => role),
  };
}

/** @throws AwsError `ValidationError`. */
export function checkName(name: string, member: string, longest: number): void {
  if (name.length <= longest && /^[\w+=,.@-]+$/.test(name)) return;
  throw validationError(
    `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- and have at most ${longest} of them`,
  );
}

/** @throws AwsError `ValidationError`. */
export function checkPath(path: string): void {
  if (path.length <= 512 && /^\/([\u0021-\u007f]+\/)?$/.test(path)) return;
  throw validationError(
    'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
  );
}

function checkDuration(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 3600 && seconds <= 43_200) return;
  throw validationError(
    violation(seconds, 'maxSessionDuration', 'Member must have value between 3600 and 43200'),
  );
}
