import type { ManagedPolicy } from './tables.js';

type Document = { Version: '2012-10-17'; Statement: readonly Record<string, unknown>[] };

const allow = (Action: readonly string[] | string, Resource: readonly string[] | string = '*'): Document => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
});

const REGISTRY_READ = [
  'ecr:GetAuthorizationToken',
  'ecr:BatchCheckLayerAvailability',
  'ecr:GetDownloadUrlForLayer',
  'ecr:GetRepositoryPolicy',
  'ecr:DescribeRepositories',
  'ecr:ListImages',
  'ecr:DescribeImages',
  'ecr:BatchGetImage',
  'ecr:GetLifecyclePolicy',
  'ecr:GetLifecyclePolicyPreview',
  'ecr:ListTagsForResource',
  'ecr:DescribeImageScanFindings',
];

/** Policies that AWS manages, as its managed policy reference guide publishes them, by path and name. */
const DOCUMENTS: Readonly<Record<string, Document>> = {
  AdministratorAccess: allow('*'),
  AmazonS3FullAccess: allow(['s3:*', 's3-object-lambda:*']),
  AmazonS3ReadOnlyAccess: allow([
    's3:Get*',
    's3:List*',
    's3:Describe*',
    's3-object-lambda:Get*',
    's3-object-lambda:List*',
  ]),
  AmazonEC2ContainerRegistryPullOnly: allow([
    'ecr:GetAuthorizationToken',
    'ecr:BatchGetImage',
    'ecr:GetDownloadUrlForLayer',
    'ecr:BatchImportUpstreamImage',
  ]),
  AmazonEC2ContainerRegistryReadOnly: allow(REGISTRY_READ),
  AmazonEC2ContainerRegistryPowerUser: allow([
    ...REGISTRY_READ,
    'ecr:InitiateLayerUpload',
    'ecr:UploadLayerPart',
    'ecr:CompleteLayerUpload',
    'ecr:PutImage',
  ]),
  'service-role/AWSLambdaBasicExecutionRole': allow([
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
  ]),
  'service-role/AWSIoTThingsRegistration': allow(
    [
      'iot:AddThingToThingGroup',
      'iot:AttachPolicy',
      'iot:AttachPrincipalPolicy',
      'iot:AttachThingPrincipal',
      'iot:CreateCertificateFromCsr',
      'iot:CreatePolicy',
      'iot:CreateThing',
      'iot:DescribeCertificate',
      'iot:DescribeThing',
      'iot:DescribeThingGroup',
      'iot:DescribeThingType',
      'iot:DetachPolicy',
      'iot:DetachThingPrincipal',
      'iot:GetPolicy',
      'iot:ListAttachedPolicies',
      'iot:ListPolicyPrincipals',
      'iot:ListPrincipalPolicies',
      'iot:ListPrincipalThings',
      'iot:ListTargetsForPolicy',
      'iot:ListThingGroupsForThing',
      'iot:ListThingPrincipals',
      'iot:RegisterThing',
      'iot:RemoveThingFromThingGroup',
      'iot:UpdateCertificate',
      'iot:UpdateThing',
      'iot:UpdateThingGroupsForThing',
      'iot:AddThingToBillingGroup',
      'iot:DescribeBillingGroup',
      'iot:RemoveThingFromBillingGroup',
    ],
    ['*'],
  ),
  'service-role/AWSIoTDeviceDefenderAudit': allow(
    [
      'iot:GetLoggingOptions',
      'iot:GetV2LoggingOptions',
      'iot:ListCACertificates',
      'iot:ListCertificates',
      'iot:DescribeCACertificate',
      'iot:DescribeCertificate',
      'iot:ListPolicies',
      'iot:GetPolicy',
      'iot:GetEffectivePolicies',
      'iot:ListRoleAliases',
      'iot:DescribeRoleAlias',
      'cognito-identity:GetIdentityPoolRoles',
      'iam:ListRolePolicies',
      'iam:ListAttachedRolePolicies',
      'iam:GetRole',
      'iam:GetPolicy',
      'iam:GetPolicyVersion',
      'iam:GetRolePolicy',
      'iam:GenerateServiceLastAccessedDetails',
      'iam:GetServiceLastAccessedDetails',
    ],
    ['*'],
  ),
  'service-role/AWSIoTDeviceDefenderAddThingsToThingGroupMitigationAction': allow(
    ['iot:ListPrincipalThings', 'iot:AddThingToThingGroup'],
    ['*'],
  ),
  'service-role/AWSIoTDeviceDefenderPublishFindingsToSNSMitigationAction': allow(['sns:Publish'], ['*']),
  'service-role/AWSIoTDeviceDefenderUpdateDeviceCertMitigationAction': allow(
    ['iot:UpdateCertificate'],
    ['*'],
  ),
  'service-role/AWSIoTLogging': allow(
    [
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'logs:PutMetricFilter',
      'logs:PutRetentionPolicy',
      'logs:GetLogEvents',
      'logs:DeleteLogStream',
    ],
    ['*'],
  ),
  'service-role/AWSIoTRuleActions': allow([
    'dynamodb:PutItem',
    'kinesis:PutRecord',
    'iot:Publish',
    's3:PutObject',
    'sns:Publish',
    'sqs:SendMessage*',
    'cloudwatch:SetAlarmState',
    'cloudwatch:PutMetricData',
    'es:ESHttpPut',
    'firehose:PutRecord',
  ]),
};

const ARN_PREFIX = 'arn:aws:iam::aws:policy/';
const PUBLISHED = Date.UTC(2015, 1, 6);

/** The policies of AWS that are known here, by their ARNs. */
export const AWS_MANAGED_POLICIES: ReadonlyMap<string, ManagedPolicy> = new Map(
  Object.entries(DOCUMENTS).map(([name, document], index) => {
    const slash = name.lastIndexOf('/') + 1;
    const policy: ManagedPolicy = {
      arn: ARN_PREFIX + name,
      policyName: name.slice(slash),
      policyId: `ANPAAWSMANAGED${String(index).padStart(7, '0')}`,
      path: `/${name.slice(0, slash)}`,
      created: PUBLISHED,
      updated: PUBLISHED,
      defaultVersion: 'v1',
      versions: [{ versionId: 'v1', document: JSON.stringify(document, null, 4), created: PUBLISHED }],
      lastVersion: 1,
      tags: {},
    };
    return [policy.arn, policy] as const;
  }),
);

export function isAwsManaged(arn: string): boolean {
  return arn.startsWith(ARN_PREFIX);
}
