import type { IotArns } from '../../arns.js';
import type { Tables } from '../../tables.js';
import type { AuditRoles } from '../roles.js';
import { type Evaluation, type Fault, whole } from './check.js';

const OTHER = 'other-device-e3c05d9a64f27b18';
/** An action that no service has: it is allowed only by whom all actions of the service are. */
const ANY = 'AnyActionAtAll';

/** Reason codes, what they say, and what a role must not allow for them: actions on resources. */
const REASONS: readonly (readonly [
  code: string,
  reason: string,
  actions: readonly string[],
  resource: (arns: IotArns) => string,
])[] = [
  [
    'ALLOWS_BROAD_ACCESS_TO_USED_SERVICES',
    'Role alias allows administrative access to services.',
    // Which services a role used is not kept here, so all count as used.
    ['s3', 'lambda', 'logs', 'sns', 'sqs', 'dynamodb', 'ecr', 'greengrass', 'iot', 'sts'].map(
      (service) => `${service}:${ANY}`,
    ),
    () => '*',
  ],
  [
    'ALLOWS_ACCESS_TO_SECURITY_AUDITING_SERVICES',
    'Role alias allows access to security auditing services.',
    [
      'iam:CreateUser',
      'iam:CreateAccessKey',
      'iam:AttachRolePolicy',
      'iam:PutRolePolicy',
      'iam:ListUsers',
      'iam:ListRoles',
      `iam:${ANY}`,
      'cloudtrail:DeleteTrail',
      'cloudtrail:StopLogging',
      'cloudtrail:LookupEvents',
      `cloudtrail:${ANY}`,
      'guardduty:DeleteDetector',
      'guardduty:ListFindings',
      `guardduty:${ANY}`,
      `inspector:${ANY}`,
      `trustedadvisor:${ANY}`,
    ],
    () => '*',
  ],
  [
    'ALLOWS_BROAD_ACCESS_TO_IOT_THING_ADMIN_READ_ACTIONS',
    'Role alias allows broad access to actions that read things.',
    [
      'iot:DescribeThing',
      'iot:ListThingPrincipals',
      'iot:ListThingGroupsForThing',
      'iot:ListJobExecutionsForThing',
    ],
    (arns) => arns.thing(OTHER),
  ],
  [
    'ALLOWS_ACCESS_TO_IOT_THING_ADMIN_WRITE_ACTIONS',
    'Role alias allows access to actions that change things.',
    [
      'iot:CreateThing',
      'iot:UpdateThing',
      'iot:DeleteThing',
      'iot:AttachThingPrincipal',
      'iot:DetachThingPrincipal',
    ],
    (arns) => arns.thing(OTHER),
  ],
  [
    'ALLOWS_ACCESS_TO_IOT_NON_THING_ADMIN_ACTIONS',
    'Role alias allows access to administrative actions of AWS IoT.',
    [
      'iot:CreatePolicy',
      'iot:CreatePolicyVersion',
      'iot:AttachPolicy',
      'iot:UpdateCertificate',
      'iot:CreateKeysAndCertificate',
      'iot:CreateTopicRule',
    ],
    () => '*',
  ],
  [
    'ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS',
    'Role alias allows broad access to IoT data plane actions.',
    ['iot:GetThingShadow', 'iot:UpdateThingShadow', 'iot:DeleteThingShadow', 'iot:UpdateJobExecution'],
    (arns) => arns.thing(OTHER),
  ],
  [
    'ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS',
    'Role alias allows broad access to IoT data plane actions.',
    ['iot:Publish', 'iot:Receive'],
    (arns) => arns.of(`topic/${OTHER}`),
  ],
];

/** IOT_ROLE_ALIAS_OVERLY_PERMISSIVE_CHECK: what the roles behind role aliases allow devices that is not theirs. */
export function overlyPermissiveRoleAliases(
  tables: Tables,
  arns: IotArns,
  roles: AuditRoles | undefined,
): Evaluation {
  return whole(() => {
    const aliases = [...tables.roleAliases.entries()].map(([, alias]) => alias);
    const faults = aliases.map(({ roleAlias, roleArn }): Fault[] => {
      const role = roles?.byArn(roleArn);
      if (!role || !roles) return [];
      const found = new Map<string, string>();
      for (const [code, reason, actions, resource] of REASONS) {
        const request = { resource: resource(arns), context: new Map<string, string>() };
        const allows = actions.some(
          (action) => roles.decide(role.roleName, { action, ...request }) === 'allowed',
        );
        if (allows) found.set(code, reason);
      }
      return [...found].map(([reasonCode, reason]) => ({
        resourceType: 'ROLE_ALIAS',
        identifier: { roleAliasArn: arns.roleAlias(roleAlias) },
        related: [{ resourceType: 'IAM_ROLE', resourceIdentifier: { iamRoleArn: roleArn } }],
        reasonCode,
        reason,
      }));
    });
    return { total: aliases.length, faults: faults.filter(({ length }) => length > 0) };
  });
}
