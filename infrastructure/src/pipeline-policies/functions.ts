import { bucketNames, logGroups, names, objectKeys } from '@mooring/contracts';
import { arn, bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** The functions of the infrastructure program. */
export const FUNCTIONS = [
  names.allowlistFunction,
  names.rotationRequestFunction,
  names.csrFunction,
  names.certificateRetirementFunction,
  names.dashboardSession,
  names.dashboardReader,
  names.dashboardOperator,
] as const;

/** The functions of the infrastructure program, their URLs, and all of its log groups. */
export function functionStatements(place: Place): Statement[] {
  const functions = FUNCTIONS.map((name) => arn(place, 'lambda', `function:${name}`));
  const groups = [
    `${logGroups.prefix}*`,
    logGroups.rules,
    logGroups.iot,
    ...FUNCTIONS.map((name) => `/aws/lambda/${name}`),
  ];
  const { bootstrap } = bucketNames(place.account, place.region);
  return [
    allow(
      [
        'lambda:AddPermission',
        'lambda:CreateFunction',
        'lambda:CreateFunctionUrlConfig',
        'lambda:DeleteFunction',
        'lambda:DeleteFunctionConcurrency',
        'lambda:DeleteFunctionEventInvokeConfig',
        'lambda:DeleteFunctionUrlConfig',
        'lambda:GetFunction',
        'lambda:GetFunctionCodeSigningConfig',
        'lambda:GetFunctionEventInvokeConfig',
        'lambda:GetFunctionRecursionConfig',
        'lambda:GetFunctionScalingConfig',
        'lambda:GetFunctionUrlConfig',
        'lambda:GetPolicy',
        'lambda:GetRuntimeManagementConfig',
        'lambda:ListFunctionEventInvokeConfigs',
        'lambda:PutFunctionConcurrency',
        'lambda:PutFunctionEventInvokeConfig',
        'lambda:PutRuntimeManagementConfig',
        'lambda:RemovePermission',
        'lambda:TagResource',
        'lambda:UntagResource',
        'lambda:UpdateFunctionCode',
        'lambda:UpdateFunctionConfiguration',
        'lambda:UpdateFunctionEventInvokeConfig',
        'lambda:UpdateFunctionUrlConfig',
      ],
      // Settings of asynchronous invocations are those of a qualifier.
      [...functions, ...functions.map((one) => `${one}:*`)],
    ),
    // The code that Lambda is told to fetch.
    allow(
      ['s3:GetObject', 's3:GetObjectVersion'],
      [bucketArn(place, bootstrap, objectKeys.functionBundle('*', '*'))],
    ),
    allow(
      [
        'logs:CreateLogGroup',
        'logs:DeleteLogGroup',
        'logs:DeleteRetentionPolicy',
        'logs:DescribeIndexPolicies',
        'logs:GetDataProtectionPolicy',
        'logs:ListTagsForResource',
        'logs:PutRetentionPolicy',
        'logs:TagResource',
        'logs:UntagResource',
      ],
      groups.flatMap((group) => [
        arn(place, 'logs', `log-group:${group}`),
        arn(place, 'logs', `log-group:${group}:*`),
      ]),
    ),
    // These two are asked of all groups of the account.
    allow(['logs:DescribeLogGroups', 'logs:DescribeResourcePolicies'], [arn(place, 'logs', 'log-group:*')]),
  ];
}
