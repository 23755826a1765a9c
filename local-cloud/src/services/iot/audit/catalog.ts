import type {
  AuditFindingSeverity,
  ConfigName,
  MitigationActionType,
  ResourceIdentifier,
} from '@aws-sdk/client-iot';
import { invalid } from '../errors.js';

/** What is known of an audit check (AWS IoT Device Defender developer guide, "Audit checks" and "Mitigation actions"). */
interface Check {
  readonly severity: AuditFindingSeverity;
  /** Member of a resource identifier that names what the check is about. */
  readonly identifiedBy: keyof ResourceIdentifier;
  /** What the account's role has to allow. */
  readonly needs: readonly string[];
  readonly mitigations: readonly MitigationActionType[];
  /** What can be set, in days, and what holds unless it is. */
  readonly threshold?: { readonly name: ConfigName; readonly standard: number };
  /** Why it cannot be decided here. */
  readonly undecidable?: string;
}

const CERTIFICATES = ['iot:ListCertificates', 'iot:DescribeCertificate'] as const;
const CA_CERTIFICATES = ['iot:ListCACertificates', 'iot:DescribeCACertificate'] as const;
const ROLE = [
  'iam:ListRolePolicies',
  'iam:ListAttachedRolePolicies',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
  'iam:GetRolePolicy',
] as const;
const ALIASES = ['iot:ListRoleAliases', 'iot:DescribeRoleAlias', 'iam:GetRole', ...ROLE] as const;

const deviceCertificate = {
  identifiedBy: 'deviceCertificateId',
  needs: CERTIFICATES,
  mitigations: ['PUBLISH_FINDING_TO_SNS', 'UPDATE_DEVICE_CERTIFICATE', 'ADD_THINGS_TO_THING_GROUP'],
} as const;
const caCertificate = {
  identifiedBy: 'caCertificateId',
  needs: CA_CERTIFICATES,
  mitigations: ['PUBLISH_FINDING_TO_SNS', 'UPDATE_CA_CERTIFICATE'],
} as const;
const cognito = {
  identifiedBy: 'cognitoIdentityPoolId',
  needs: ['cognito-identity:GetIdentityPoolRoles', ...ROLE],
  mitigations: ['PUBLISH_FINDING_TO_SNS'],
  severity: 'CRITICAL',
  undecidable: 'Amazon Cognito is not built in the local cloud',
} as const;
const policy = {
  identifiedBy: 'policyVersionIdentifier',
  needs: ['iot:ListPolicies', 'iot:GetPolicy'],
  mitigations: ['PUBLISH_FINDING_TO_SNS', 'REPLACE_DEFAULT_POLICY_VERSION'],
} as const;
const roleAlias = {
  identifiedBy: 'roleAliasArn',
  needs: ALIASES,
  mitigations: ['PUBLISH_FINDING_TO_SNS'],
} as const;

/** Every check that AWS IoT Device Defender has. */
const CHECKS = {
  AUTHENTICATED_COGNITO_ROLE_OVERLY_PERMISSIVE_CHECK: cognito,
  CA_CERTIFICATE_EXPIRING_CHECK: { ...caCertificate, severity: 'MEDIUM' },
  CA_CERTIFICATE_KEY_QUALITY_CHECK: {
    ...caCertificate,
    severity: 'CRITICAL',
  },
  CONFLICTING_CLIENT_IDS_CHECK: {
    severity: 'HIGH',
    identifiedBy: 'clientId',
    needs: [],
    mitigations: ['PUBLISH_FINDING_TO_SNS'],
  },
  DEVICE_CERTIFICATE_AGE_CHECK: {
    ...deviceCertificate,
    severity: 'LOW',
    mitigations: ['PUBLISH_FINDING_TO_SNS'],
    threshold: { name: 'CERT_AGE_THRESHOLD_IN_DAYS', standard: 365 },
  },
  DEVICE_CERTIFICATE_EXPIRING_CHECK: {
    ...deviceCertificate,
    severity: 'MEDIUM',
    threshold: { name: 'CERT_EXPIRATION_THRESHOLD_IN_DAYS', standard: 30 },
  },
  DEVICE_CERTIFICATE_KEY_QUALITY_CHECK: { ...deviceCertificate, severity: 'CRITICAL' },
  DEVICE_CERTIFICATE_SHARED_CHECK: { ...deviceCertificate, severity: 'CRITICAL' },
  INTERMEDIATE_CA_REVOKED_FOR_ACTIVE_DEVICE_CERTIFICATES_CHECK: {
    ...deviceCertificate,
    severity: 'CRITICAL',
    identifiedBy: 'issuerCertificateIdentifier',
    undecidable: 'the local cloud fetches no revocation lists of issuers',
  },
  IOT_POLICY_OVERLY_PERMISSIVE_CHECK: { ...policy, severity: 'CRITICAL' },
  IOT_POLICY_POTENTIAL_MISCONFIGURATION_CHECK: {
    ...policy,
    severity: 'MEDIUM',
    undecidable: 'how policies use wildcards is not looked at in the local cloud',
  },
  IOT_ROLE_ALIAS_ALLOWS_ACCESS_TO_UNUSED_SERVICES_CHECK: {
    ...roleAlias,
    severity: 'MEDIUM',
    undecidable: 'the local cloud does not keep which services a role used',
  },
  IOT_ROLE_ALIAS_OVERLY_PERMISSIVE_CHECK: { ...roleAlias, severity: 'CRITICAL' },
  LOGGING_DISABLED_CHECK: {
    severity: 'LOW',
    identifiedBy: 'account',
    needs: ['iot:GetLoggingOptions', 'iot:GetV2LoggingOptions'],
    mitigations: ['PUBLISH_FINDING_TO_SNS', 'ENABLE_IOT_LOGGING'],
  },
  REVOKED_CA_CERTIFICATE_STILL_ACTIVE_CHECK: { ...caCertificate, severity: 'CRITICAL' },
  REVOKED_DEVICE_CERTIFICATE_STILL_ACTIVE_CHECK: { ...deviceCertificate, severity: 'MEDIUM' },
  UNAUTHENTICATED_COGNITO_ROLE_OVERLY_PERMISSIVE_CHECK: cognito,
} as const satisfies Readonly<Record<string, Check>>;

export type CheckName = keyof typeof CHECKS;

export const CHECK_NAMES = Object.keys(CHECKS) as readonly CheckName[];

export function checkOf(name: CheckName): Check {
  return CHECKS[name];
}

/** Days from the least to the most that a threshold may be. */
const DAYS = { least: 30, most: 3652 };

/** @throws InvalidRequestException when there is no such check. */
export function checkName(name: string | undefined): CheckName {
  const known = CHECK_NAMES.find((one) => one === name);
  if (known) return known;
  throw invalid(`Invalid audit check name ${name}.`);
}

/** @throws InvalidRequestException when the check has no such setting, or the value is none of it. */
export function checkConfiguration(name: CheckName, configuration: Readonly<Record<string, string>>): void {
  const { threshold } = checkOf(name);
  for (const [key, value] of Object.entries(configuration)) {
    if (key !== threshold?.name) throw invalid(`The audit check ${name} has no configuration ${key}.`);
    const days = /^\d{1,4}$/.test(value) ? Number(value) : 0;
    if (days >= DAYS.least && days <= DAYS.most) continue;
    throw invalid(
      `Invalid value '${value}' of ${key}: it must be a number of days from ${DAYS.least} to ${DAYS.most}.`,
    );
  }
}

/** Days that a check's threshold is set to. */
export function thresholdOf(
  name: CheckName,
  configuration: Readonly<Record<string, string>> | undefined,
): number {
  const { threshold } = checkOf(name);
  return threshold ? Number(configuration?.[threshold.name] ?? threshold.standard) : 0;
}
