import { randomBytes } from 'node:crypto';
import type { Store, Table } from '../../store/store.js';
import { noSuchEntity } from './errors.js';

/** A role with everything that is attached to it; documents are kept as the JSON text they came as. */
export interface Role {
  readonly roleName: string;
  readonly roleId: string;
  readonly path: string;
  readonly arn: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly description?: string;
  /** Seconds. */
  readonly maxSessionDuration: number;
  readonly trustPolicy: string;
  readonly inlinePolicies: Readonly<Record<string, string>>;
  /** ARNs of managed policies. */
  readonly attachedPolicies: readonly string[];
  /** ARN of a managed policy that limits what the others can allow. */
  readonly permissionsBoundary?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A managed policy: the account's own, or one of AWS's. */
export interface ManagedPolicy {
  readonly arn: string;
  readonly policyName: string;
  readonly policyId: string;
  readonly path: string;
  readonly description?: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly updated: number;
  readonly defaultVersion: string;
  readonly versions: readonly PolicyVersion[];
  /** Number of the newest version that ever was. */
  readonly lastVersion: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface PolicyVersion {
  readonly versionId: string;
  readonly document: string;
  readonly created: number;
}

/** An OpenID Connect provider. */
export interface OidcProvider {
  readonly arn: string;
  /** The issuer of its tokens, with its scheme. */
  readonly url: string;
  /** Audiences whose tokens are taken. */
  readonly clientIds: readonly string[];
  /** SHA-1 of certificates, in hexadecimal. */
  readonly thumbprints: readonly string[];
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface IamTables {
  readonly roles: Table<Role>;
  readonly policies: Table<ManagedPolicy>;
  readonly oidcProviders: Table<OidcProvider>;
}

/** Roles by their names in lower case, which must differ by more than case; policies and providers by their ARNs. */
export function iamTables(store: Store): IamTables {
  return {
    roles: store.table('iam.roles'),
    policies: store.table('iam.policies'),
    oidcProviders: store.table('iam.oidc-providers'),
  };
}

/** @throws NoSuchEntityException. */
export function getRole({ roles }: IamTables, roleName: string): Role {
  const role = roles.get(roleName.toLowerCase());
  if (!role || role.roleName !== roleName) {
    throw noSuchEntity(`The role with name ${roleName} cannot be found.`);
  }
  return role;
}

export function putRole({ roles }: IamTables, role: Role): void {
  roles.put(role.roleName.toLowerCase(), role);
}

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A unique id as IAM gives them: `AROA` for roles, `ANPA` for managed policies, then 17 letters and digits. */
export function uniqueId(prefix: 'AROA' | 'ANPA'): string {
  return prefix + Array.from(randomBytes(17), (byte) => ID_ALPHABET[byte % 32]).join('');
}
