import type { CertificateMode, CertificateStatus, ThingPrincipalType } from '@aws-sdk/client-iot';
import type { Store, Table } from '../../store/store.js';

export { secondParts } from '../../store/store.js';

/** What AWS IoT keeps. Times are milliseconds since 1970. */
export interface Tables {
  readonly things: Table<ThingRecord>;
  readonly thingTypes: Table<ThingTypeRecord>;
  readonly thingGroups: Table<ThingGroupRecord>;
  /** key(group, thing) */
  readonly groupMembers: Table<true>;
  /** key(thing, group) */
  readonly thingMemberships: Table<true>;
  readonly certificates: Table<CertificateRecord>;
  readonly policies: Table<PolicyRecord>;
  /** key(policy, version id) */
  readonly policyVersions: Table<PolicyVersionRecord>;
  /** key(policy, target ARN) */
  readonly policyTargets: Table<true>;
  /** key(target ARN, policy) */
  readonly targetPolicies: Table<true>;
  /** key(principal ARN, thing) */
  readonly principalThings: Table<ThingPrincipalType>;
  /** key(thing, principal ARN) */
  readonly thingPrincipals: Table<ThingPrincipalType>;
  readonly templates: Table<TemplateRecord>;
  /** key(template, version number in ten digits) */
  readonly templateVersions: Table<TemplateVersionRecord>;
  readonly roleAliases: Table<RoleAliasRecord>;
  /** By ARN. */
  readonly tags: Table<Record<string, string>>;
  /** By the SHA-256 of the token, in hex. */
  readonly ownershipTokens: Table<OwnershipTokenRecord>;
  /** By client id. */
  readonly connectivity: Table<ConnectivityRecord>;
  /** Single values by name. */
  readonly settings: Table<unknown>;
}

export interface ThingRecord {
  thingName: string;
  thingId: string;
  thingTypeName?: string;
  attributes: Record<string, string>;
  version: number;
}

export interface ThingTypeRecord {
  thingTypeName: string;
  thingTypeId: string;
  description?: string;
  searchableAttributes: string[];
  created: number;
  deprecated?: number;
}

export interface ThingGroupRecord {
  thingGroupName: string;
  thingGroupId: string;
  parentGroupName?: string;
  description?: string;
  attributes: Record<string, string>;
  version: number;
  created: number;
}

export interface CertificateRecord {
  certificateId: string;
  pem: string;
  status: CertificateStatus;
  mode: CertificateMode;
  created: number;
  modified: number;
  notBefore: number;
  notAfter: number;
  customerVersion: number;
  generationId: string;
  /** Set when the key was made here too. */
  keyMadeHere?: true;
}

export interface PolicyRecord {
  policyName: string;
  defaultVersionId: string;
  /** Number of the newest version that was ever made; numbers are not used twice. */
  lastVersion: number;
  created: number;
  modified: number;
  generationId: string;
}

export interface PolicyVersionRecord {
  versionId: string;
  document: string;
  created: number;
}

export interface TemplateRecord {
  templateName: string;
  description?: string;
  enabled: boolean;
  provisioningRoleArn: string;
  hook?: { targetArn: string; payloadVersion: string };
  type: 'FLEET_PROVISIONING' | 'JITP';
  defaultVersionId: number;
  lastVersion: number;
  created: number;
  modified: number;
}

export interface TemplateVersionRecord {
  versionId: number;
  body: string;
  created: number;
}

export interface RoleAliasRecord {
  roleAlias: string;
  roleArn: string;
  /** Seconds. */
  credentialDurationSeconds: number;
  created: number;
  modified: number;
}

export interface OwnershipTokenRecord {
  certificateId: string;
  expires: number;
}

export interface ConnectivityRecord {
  connected: boolean;
  at: number;
  disconnectReason?: string;
  versionNumber: number;
  sessionIdentifier: string;
}

export function openTables(store: Store): Tables {
  return {
    things: store.table('iot.things'),
    thingTypes: store.table('iot.thingTypes'),
    thingGroups: store.table('iot.thingGroups'),
    groupMembers: store.table('iot.groupMembers'),
    thingMemberships: store.table('iot.thingMemberships'),
    certificates: store.table('iot.certificates'),
    policies: store.table('iot.policies'),
    policyVersions: store.table('iot.policyVersions'),
    policyTargets: store.table('iot.policyTargets'),
    targetPolicies: store.table('iot.targetPolicies'),
    principalThings: store.table('iot.principalThings'),
    thingPrincipals: store.table('iot.thingPrincipals'),
    templates: store.table('iot.templates'),
    templateVersions: store.table('iot.templateVersions'),
    roleAliases: store.table('iot.roleAliases'),
    tags: store.table('iot.tags'),
    ownershipTokens: store.table('iot.ownershipTokens'),
    connectivity: store.table('iot.connectivity'),
    settings: store.table('iot.settings'),
  };
}
