import { bucketNames, names, objectKeys, roleNames } from '@mooring/contracts';
import { arn, bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { FUNCTIONS } from './functions.js';
import { allow } from './statements.js';

/** The services that roles of the infrastructure are passed to. */
const SERVICES = [
  'cognito-identity.amazonaws.com',
  'cognito-idp.amazonaws.com',
  'credentials.iot.amazonaws.com',
  'iot.amazonaws.com',
  'lambda.amazonaws.com',
] as const;

/** The ARN of the managed policy that limits what the roles of the infrastructure can be allowed. */
export function rolesBoundaryArn(place: Place): string {
  return `arn:${place.partition}:iam::${place.account}:policy/${names.rolesBoundary}`;
}

/**
 * The most that a role of the infrastructure can be allowed; it allows nothing by itself. Without it, whoever may write
 * the policies of roles and the code of functions could do anything in the account.
 */
export function boundaryStatements(place: Place): Statement[] {
  const { provisioning, artifacts } = bucketNames(place.account, place.region);
  return [
    // The roles' own policies name the resources.
    allow(
      [
        'dynamodb:PutItem',
        'dynamodb:Query',
        'ecr:BatchGetImage',
        'ecr:GetAuthorizationToken',
        'ecr:GetDownloadUrlForLayer',
        'greengrass:DeleteCoreDevice',
        'greengrass:DescribeComponent',
        'greengrass:Get*',
        'greengrass:List*',
        'iot:*',
        'logs:CreateLogGroup',
        'logs:CreateLogStream',
        'logs:DescribeLogStreams',
        'logs:GetLogEvents',
        'logs:PutLogEvents',
        'sns:Publish',
        'sqs:SendMessage',
      ],
      ['*'],
    ),
    // The function that asks for rotations goes on in another invocation.
    allow(
      ['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl'],
      FUNCTIONS.map((name) => arn(place, 'lambda', `function:${name}`)),
    ),
    allow(['s3:GetBucketLocation'], [bucketArn(place, artifacts)]),
    allow(['s3:ListBucket'], [bucketArn(place, provisioning)]),
    // What operators change on the dashboard.
    allow(
      ['s3:PutObject'],
      [objectKeys.allowlist, objectKeys.allowlistChanges].map((key) => bucketArn(place, provisioning, key)),
    ),
    allow(['s3:GetObject'], [bucketArn(place, artifacts, '*'), bucketArn(place, provisioning, '*')]),
  ];
}

/** The roles of the infrastructure by their names: not the pipeline's own, nor anybody else's. */
export function roleStatements(place: Place): Statement[] {
  const bounded = { StringEquals: { 'iam:PermissionsBoundary': rolesBoundaryArn(place) } };
  const roles = roleNames.map((name) => `arn:${place.partition}:iam::${place.account}:role/${name}`);
  return [
    allow(
      [
        'iam:DeleteRole',
        'iam:DeleteRolePolicy',
        'iam:GetRole',
        'iam:GetRolePolicy',
        'iam:ListAttachedRolePolicies',
        'iam:ListRolePolicies',
        'iam:TagRole',
        'iam:UntagRole',
        'iam:UpdateAssumeRolePolicy',
        'iam:UpdateRole',
        'iam:UpdateRoleDescription',
      ],
      roles,
    ),
    allow(['iam:CreateRole', 'iam:PutRolePermissionsBoundary', 'iam:PutRolePolicy'], roles, bounded),
    // Whether there is a boundary.
    allow(['iam:GetPolicy'], [rolesBoundaryArn(place)]),
    allow(['iam:PassRole'], roles, { StringEquals: { 'iam:PassedToService': [...SERVICES] } }),
  ];
}
