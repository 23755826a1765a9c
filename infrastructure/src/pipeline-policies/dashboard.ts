import { bucketNames, names } from '@mooring/contracts';
import { arn, bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** The page's site and sign-in, its files, and its users. */
export function dashboardStatements(place: Place): Statement[] {
  const { dashboard } = bucketNames(place.account, place.region);
  const cloudFront = (resource: string) => `arn:${place.partition}:cloudfront::${place.account}:${resource}`;
  return [
    // Ids of CloudFront's resources are made by AWS.
    allow(
      [
        'cloudfront:CreateDistribution',
        'cloudfront:CreateDistributionWithTags',
        'cloudfront:DeleteDistribution',
        'cloudfront:GetDistribution',
        'cloudfront:GetDistributionConfig',
        'cloudfront:ListTagsForResource',
        'cloudfront:TagResource',
        'cloudfront:UntagResource',
        'cloudfront:UpdateDistribution',
      ],
      [cloudFront('distribution/*')],
    ),
    allow(
      [
        'cloudfront:CreateOriginAccessControl',
        'cloudfront:DeleteOriginAccessControl',
        'cloudfront:GetOriginAccessControl',
        'cloudfront:UpdateOriginAccessControl',
      ],
      [cloudFront('origin-access-control/*')],
    ),
    allow(
      [
        'cloudfront:CreateResponseHeadersPolicy',
        'cloudfront:DeleteResponseHeadersPolicy',
        'cloudfront:GetResponseHeadersPolicy',
        'cloudfront:UpdateResponseHeadersPolicy',
      ],
      [cloudFront('response-headers-policy/*')],
    ),
    // Amazon CloudFront defines no resource for these actions.
    allow(['cloudfront:ListDistributions', 'cloudfront:ListOriginAccessControls'], ['*']),
    // The id of the user pool is made by AWS; pools that are to be made have none.
    allow(
      [
        'cognito-idp:CreateGroup',
        'cognito-idp:CreateUserPoolClient',
        'cognito-idp:DeleteGroup',
        'cognito-idp:DeleteUserPool',
        'cognito-idp:DeleteUserPoolClient',
        'cognito-idp:DescribeUserPool',
        'cognito-idp:DescribeUserPoolClient',
        'cognito-idp:GetGroup',
        'cognito-idp:GetUserPoolMfaConfig',
        'cognito-idp:ListGroups',
        'cognito-idp:ListTagsForResource',
        'cognito-idp:ListUserPoolClientSecrets',
        'cognito-idp:ListUserPoolClients',
        'cognito-idp:SetUserPoolMfaConfig',
        'cognito-idp:TagResource',
        'cognito-idp:UntagResource',
        'cognito-idp:UpdateGroup',
        'cognito-idp:UpdateUserPool',
        'cognito-idp:UpdateUserPoolClient',
      ],
      [arn(place, 'cognito-idp', 'userpool/*')],
    ),
    allow(['cognito-idp:CreateUserPool', 'cognito-idp:ListUserPools'], ['*']),
    allow(
      [
        'cognito-identity:DeleteIdentityPool',
        'cognito-identity:DescribeIdentityPool',
        'cognito-identity:GetIdentityPoolRoles',
        'cognito-identity:ListTagsForResource',
        'cognito-identity:TagResource',
        'cognito-identity:UntagResource',
        'cognito-identity:UpdateIdentityPool',
      ],
      [arn(place, 'cognito-identity', 'identitypool/*')],
    ),
    allow(
      [
        'cognito-identity:CreateIdentityPool',
        'cognito-identity:ListIdentityPools',
        'cognito-identity:SetIdentityPoolRoles',
      ],
      ['*'],
    ),
    // Visitors' identities, which lose their policy before it is deleted, have no ARN.
    allow(['iot:DetachPolicy'], ['*']),
    // `mooring dashboard publish` and `url`.
    allow(['s3:ListBucket'], [bucketArn(place, dashboard)]),
    allow(['s3:DeleteObject', 's3:PutObject'], [bucketArn(place, dashboard, '*')]),
    allow(
      ['lambda:GetFunctionUrlConfig'],
      [names.dashboardSession, names.dashboardReader, names.dashboardOperator].map((name) =>
        arn(place, 'lambda', `function:${name}`),
      ),
    ),
  ];
}
