import { roleNames } from '@mooring/contracts';
import type { Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** The services that roles of the infrastructure are passed to. */
const SERVICES = ['credentials.iot.amazonaws.com', 'iot.amazonaws.com', 'lambda.amazonaws.com'] as const;

/** The roles of the infrastructure by their names: not the pipeline's own, nor anybody else's. */
export function roleStatements(place: Place): Statement[] {
  const roles = roleNames.map((name) => `arn:${place.partition}:iam::${place.account}:role/${name}`);
  return [
    allow(
      [
        'iam:CreateRole',
        'iam:DeleteRole',
        'iam:DeleteRolePolicy',
        'iam:GetRole',
        'iam:GetRolePolicy',
        'iam:ListAttachedRolePolicies',
        'iam:ListRolePolicies',
        'iam:PutRolePolicy',
        'iam:TagRole',
        'iam:UntagRole',
        'iam:UpdateAssumeRolePolicy',
        'iam:UpdateRole',
        'iam:UpdateRoleDescription',
      ],
      roles,
    ),
    allow(['iam:PassRole'], roles, { StringEquals: { 'iam:PassedToService': [...SERVICES] } }),
  ];
}
