import { readdirSync, readFileSync } from 'node:fs';
import { names, roleNames } from '@mooring/contracts';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { boundaryStatements } from '../src/pipeline-policies/roles.js';
import { pipelinePolicies } from '../src/pipeline-policies.js';
import { type PolicyDocument, policyDocument } from '../src/policy-document.js';
import { evaluate, INPUTS, PLACE, type Registered } from './evaluate.js';
import { allows } from './policy-matcher.js';

/** The longest name of a commercial region. */
const FAR = { ...PLACE, region: 'ap-southeast-1' };
const STACK = 'prod';
const policies = pipelinePolicies(PLACE, STACK);
const whole: PolicyDocument = {
  Version: '2012-10-17',
  Statement: Object.values(policies).flatMap(({ document }) => document.Statement),
};
const may = (action: string, resource: string, variables: Record<string, string> = {}) =>
  allows(whole, { action, resource, variables });
const iam = (resource: string) => `arn:aws:iam::${PLACE.account}:${resource}`;
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:${PLACE.region}:${PLACE.account}:${resource}`;

const cloudFront = (resource: string) => `arn:aws:cloudfront::${PLACE.account}:${resource}`;

const BOUNDARY = iam(`policy/${names.rolesBoundary}`);

describe('the policies of the pipeline', () => {
  it('fit into what IAM takes: 6,144 characters each, 10 of them', () => {
    const far = Object.values(pipelinePolicies(FAR, STACK));
    expect(far.length).toBeLessThanOrEqual(10);
    for (const { document } of far) {
      expect(JSON.stringify(document).replace(/\s/g, '').length).toBeLessThanOrEqual(6144);
    }
  });

  it('name a resource for each action that has one', () => {
    const everywhere = whole.Statement.filter(({ Resource = [] }) => [Resource].flat().includes('*')).flatMap(
      ({ Action }) => Action,
    );
    // What the service authorization reference has no resource for.
    expect(everywhere.filter((action) => !WITHOUT_RESOURCE.test(action))).toEqual([]);
    for (const { Action, Effect } of whole.Statement) {
      expect(Effect).toBe('Allow');
      expect([Action].flat().filter((action) => /^\*|:\*$/.test(action))).toEqual([]);
    }
  });
});

const WITHOUT_RESOURCE =
  /^(cloudformation:\w+Resources?|cloudformation:(CancelResourceRequest|DescribeType|GetResourceRequestStatus)|cloudfront:List(Distributions|OriginAccessControls)|cognito-idp:(Create|List)UserPools?|cognito-identity:(CreateIdentityPool|ListIdentityPools|SetIdentityPoolRoles)|ecr:GetAuthorizationToken|greengrass:(CreateDeployment|List(Components|CoreDevices|Deployments))|iot:(\w+AccountAuditConfiguration|\w+V2LoggingOptions|\w+(EventConfigurations|IndexingConfiguration)|CreateCertificateFromCsr|DescribeAuditTask|DetachPolicy|DescribeEndpoint|ListAuditFindings|ListPrincipalThings|ListThings|StartOnDemandAuditTask))$/;

/** Published schemas of the CloudFormation registry, which say what the handlers of a type call. */
const SCHEMAS = new URL('../../local-cloud/schemas/', import.meta.url);
const handlers = new Map<string, Record<string, { permissions: string[] }>>(
  readdirSync(SCHEMAS)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const schema = JSON.parse(readFileSync(new URL(file, SCHEMAS), 'utf8'));
      return [schema.typeName.toLowerCase(), schema.handlers];
    }),
);

/** What handlers call only for settings that this program does not use. */
const UNUSED: readonly RegExp[] = [
  // Of distributions: tenants, private origins and staging; of user pools: custom attributes and analytics; of identity pools: Sync.
  /^cloudfront:((Create|Get)ConnectionGroup|GetVpcOrigin|UpdateDistributionWithStagingConfig)$/,
  /^cognito-idp:AddCustomAttributes$|^cognito-sync:/,
  // Of tables: imports, replicas, streams and resource policies.
  /^dynamodb:(DescribeImport|ImportTable|(Create|Associate)TableReplica|Scan|Query|(Update|Put|Get|Delete)Item|BatchWriteItem|(Enable|Disable|Update)KinesisStreamingDestination|(Put|Delete)ResourcePolicy)$/,
  /^iam:CreateServiceLinkedRole$/,
  /^(kms|ec2|elasticfilesystem|s3files|s3tables|firehose|kinesis):/,
  /^s3:(REST|PutObjectAcl|PutAnalytics|PutBucketCORS|PutInventory|PutLifecycle|PutMetrics|PutBucketNotification|PutBucketReplication|PutBucketWebsite|PutAccelerate|PutReplication|PutBucketObjectLock|PutObjectLock|PutIntelligent|PutBucketLogging|PutBucketAcl|PutBucketAbac|DeleteBucket(Website|Analytics|Cors|Metrics|Encryption|Lifecycle|Replication)|\w+BucketMetadata|(Tag|Untag)Resource)/,
  /^lambda:(GetCodeSigningConfig|GetLayerVersion|PutFunctionRecursion|PutFunctionScaling|PassCapacity|AssociateRuntime|PutFunctionCodeSigning|DeleteFunctionCodeSigning|PublishVersion)/,
  /^iot:\w+DynamicThingGroup$/,
  /^iam:(Attach|Detach)\w+Policy$|^iam:DeleteRolePermissionsBoundary$/,
  /^logs:(PutDataProtection|DeleteDataProtection|CreateLogDelivery|(Put|Delete)ResourcePolicy|(Put|Delete)IndexPolicy|PutBearer|(Associate|Disassociate)Kms|PutLogGroupDeletion)/,
  /^sns:PutDataProtectionPolicy$/,
];
/** A bucket is passed no role, and neither is a topic or a subscription. */
const PASSES_ROLES = /^aws:(cognito|iot|lambda):/;

/** The ARNs of a registered resource, as its service names it. */
function arnsOf({ type, inputs }: Registered): string[] {
  const text = (name: string) => String(inputs[name]);
  const functionName = () => text('functionName').replace(/^arn-of:.*$/, names.csrFunction);
  switch (type.toLowerCase()) {
    case 'aws-native:s3:bucket':
      return [`arn:aws:s3:::${text('bucketName')}`];
    case 'aws-native:s3:bucketpolicy':
      return [`arn:aws:s3:::${text('bucket')}`];
    case 'aws-native:ecr:repository':
      return [arn('ecr', `repository/${text('repositoryName')}`)];
    case 'aws-native:logs:loggroup':
      return [arn('logs', `log-group:${text('logGroupName')}:*`)];
    case 'aws-native:iot:thinggroup':
      return [arn('iot', `thinggroup/${text('thingGroupName')}`)];
    case 'aws-native:iot:policy':
      return [arn('iot', `policy/${text('policyName')}`)];
    case 'aws-native:iot:rolealias':
      return [arn('iot', `rolealias/${text('roleAlias')}`)];
    case 'aws-native:iot:provisioningtemplate':
      return [arn('iot', `provisioningtemplate/${text('templateName')}`)];
    case 'aws-native:iot:topicrule':
      return [arn('iot', `rule/${text('ruleName')}`)];
    case 'aws-native:iot:scheduledaudit':
      return [arn('iot', `scheduledaudit/${text('scheduledAuditName')}`)];
    case 'aws-native:iot:accountauditconfiguration':
    case 'aws-native:iot:logging':
      return ['*'];
    case 'aws-native:iam:role':
      return [iam(`role/${text('roleName')}`)];
    case 'aws-native:lambda:function':
    case 'aws-native:lambda:permission':
    case 'aws-native:lambda:eventinvokeconfig':
      return [arn('lambda', `function:${functionName()}`)];
    case 'aws-native:lambda:url':
      return [arn('lambda', `function:${names.dashboardReader}`)];
    case 'aws-native:cloudfront:distribution':
      return [cloudFront('distribution/EDFDVBD6EXAMPLE')];
    case 'aws-native:cloudfront:originaccesscontrol':
      return [cloudFront('origin-access-control/E2VE7PTBXXXXXX')];
    case 'aws-native:cloudfront:responseheaderspolicy':
      return [cloudFront('response-headers-policy/57f99797-3b20-4e1b-a728-27972a74082a')];
    case 'aws-native:cognito:userpool':
    case 'aws-native:cognito:userpoolclient':
    case 'aws-native:cognito:userpoolgroup':
      return [arn('cognito-idp', 'userpool/eu-west-1_Pool')];
    case 'aws-native:cognito:identitypool':
    case 'aws-native:cognito:identitypoolroleattachment':
      return [arn('cognito-identity', 'identitypool/eu-west-1:0')];
    case 'aws-native:dynamodb:table':
      return [arn('dynamodb', `table/${text('tableName')}`)];
    case 'aws-native:sns:topic':
    case 'aws-native:sns:topicinlinepolicy':
    case 'aws-native:sns:topicpolicy':
    case 'aws-native:sns:subscription':
      return [arn('sns', names.certificateExpiringTopic)];
    case 'aws-native:sqs:queue':
    case 'aws-native:sqs:queuepolicy':
    case 'aws-native:sqs:queueinlinepolicy':
      return [arn('sqs', names.rotationDeadLetters)];
    default:
      throw new Error(`${type} is new: say here what its ARN is, and let the pipeline manage it`);
  }
}

/** What a handler's permission is asked on, where it is not the resource itself. */
function askedOn(action: string, own: readonly string[]): string[] {
  if (/^iam:(GetRole|PassRole)$/.test(action)) return [iam(`role/${names.tokenExchangeRole}`)];
  if (/^logs:Describe(LogGroups|ResourcePolicies)$/.test(action))
    return [arn('logs', 'log-group::log-stream:')];
  if (/^s3:GetObject(Version)?$/.test(action)) {
    return [
      `arn:aws:s3:::mooring-bootstrap-${PLACE.account}-${PLACE.region}/functions/x/${'ab'.repeat(32)}.zip`,
    ];
  }
  if (action === 's3:DeleteObject') return own.map((bucket) => `${bucket}/key`);
  return [...own];
}

describe('Cloud Control, in the name of the pipeline,', () => {
  let program: Registered[];
  beforeAll(async () => {
    program = await evaluate();
  });

  it('may do to each resource of the program what its handlers call', () => {
    const missing = new Set<string>();
    for (const resource of program) {
      const typeName = resource.type.replace('aws-native', 'aws').replaceAll(':', '::').toLowerCase();
      const kinds = handlers.get(typeName);
      if (!kinds) {
        missing.add(`no schema of ${typeName}`);
        continue;
      }
      for (const [kind, { permissions }] of Object.entries(kinds)) {
        // Nothing is found by listing what there is.
        if (kind === 'list') continue;
        for (const action of permissions) {
          if (UNUSED.some((pattern) => pattern.test(action))) continue;
          // The roles of analytics and messages of user pools.
          if (typeName.startsWith('aws::cognito::') && /^iam:\w+RolePolicy$/.test(action)) continue;
          // What is imported of buckets into a table, and the log of that.
          if (typeName === 'aws::dynamodb::table' && /^(s3|logs):/.test(action)) continue;
          if (/^iam:(GetRole|PassRole)$/.test(action) && !PASSES_ROLES.test(typeName.replaceAll('::', ':')))
            continue;
          const variables = {
            'iam:PassedToService': 'iot.amazonaws.com',
            'iam:PermissionsBoundary': BOUNDARY,
          };
          for (const target of askedOn(action, arnsOf(resource))) {
            if (!may(action, target, variables)) missing.add(`${action} on ${target} to ${kind} ${typeName}`);
          }
        }
      }
    }
    expect([...missing].sort()).toEqual([]);
  });

  it('may make every role of the program, and no other', () => {
    const made = program
      .filter(({ type }) => type === 'aws-native:iam:Role')
      .map(({ inputs }) => inputs.roleName);
    expect(made.filter((name) => !roleNames.some((known) => known === name))).toEqual([]);
    const variables = { 'iam:PermissionsBoundary': BOUNDARY };
    for (const name of made) expect(may('iam:CreateRole', iam(`role/${name}`), variables)).toBe(true);
  });
});

test.each([
  ['iam:CreateRole', iam('role/Somebody')],
  ['iam:CreateRole', iam(`role/${names.pipelineRole}`)],
  ['iam:PutRolePolicy', iam(`role/${names.pipelineRole}`)],
  ['iam:AttachRolePolicy', iam(`role/${names.tokenExchangeRole}`)],
  ['iam:CreatePolicyVersion', iam(`policy/${names.pipelineRole}Roles`)],
  ['iam:CreateUser', iam('user/x')],
  ['iam:CreateAccessKey', iam('user/x')],
  ['iam:UpdateOpenIDConnectProviderThumbprint', iam('oidc-provider/token.actions.githubusercontent.com')],
  ['s3:PutObject', 'arn:aws:s3:::somebody/x'],
  ['s3:DeleteBucket', `arn:aws:s3:::mooring-bootstrap-${PLACE.account}-${PLACE.region}`],
  ['s3:PutObject', `arn:aws:s3:::mooring-bootstrap-${PLACE.account}-${PLACE.region}/account.json`],
  ['s3:GetObject', `arn:aws:s3:::mooring-bootstrap-${PLACE.account}-${PLACE.region}/state/prod-access.json`],
  ['s3:GetObject', `arn:aws:s3:::mooring-bootstrap-${PLACE.account}-${PLACE.region}/state/dev.json`],
  ['lambda:UpdateFunctionCode', arn('lambda', 'function:Somebody')],
  ['iot:UpdateThing', `arn:aws:iot:eu-central-1:${PLACE.account}:thing/x`],
  ['iot:UpdateThing', `arn:aws:iot:${PLACE.region}:210987654321:thing/x`],
  ['sts:AssumeRole', iam('role/Somebody')],
])('the pipeline may not %s on %s', (action, resource) => {
  expect(may(action, resource, { 'iam:PermissionsBoundary': BOUNDARY })).toBe(false);
});

describe('the boundary of the roles', () => {
  const boundary = policyDocument(...boundaryStatements(PLACE));
  let roles: Registered[];
  beforeAll(async () => {
    const program = await evaluate({ ...INPUTS, permissionsBoundary: BOUNDARY });
    roles = program.filter(({ type }) => type === 'aws-native:iam:Role');
  });

  it('is on every role that the program makes, where the account has it', () => {
    expect(roles.map(({ inputs }) => inputs.permissionsBoundary)).toEqual(roles.map(() => BOUNDARY));
  });

  it('lets every role do what its policies say', () => {
    const outside: string[] = [];
    for (const { name, inputs } of roles) {
      const policies = inputs.policies as readonly { policyDocument: PolicyDocument }[];
      for (const { Action, Resource = [] } of policies.flatMap(
        ({ policyDocument }) => policyDocument.Statement,
      )) {
        for (const action of Action) {
          for (const resource of Resource) {
            const sample = resource.replaceAll('*', 'x');
            if (!allows(boundary, { action, resource: sample }))
              outside.push(`${name}: ${action} on ${resource}`);
          }
        }
      }
    }
    expect(outside).toEqual([]);
  });

  it('is what the pipeline must put on a role, and keeps roles from IAM, from code and from the state', () => {
    const role = iam(`role/${names.tokenExchangeRole}`);
    for (const action of ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:PutRolePermissionsBoundary']) {
      expect(may(action, role, { 'iam:PermissionsBoundary': BOUNDARY })).toBe(true);
      expect(may(action, role)).toBe(false);
      expect(may(action, role, { 'iam:PermissionsBoundary': iam('policy/Other') })).toBe(false);
    }
    expect(may('iam:DeleteRolePermissionsBoundary', role)).toBe(false);
    for (const action of ['iam:CreateRole', 'iam:PassRole', 'sts:AssumeRole', 'lambda:UpdateFunctionCode']) {
      expect(allows(boundary, { action, resource: iam('role/x') }), action).toBe(false);
    }
    const state = `arn:aws:s3:::mooring-bootstrap-${PLACE.account}-${PLACE.region}/state/prod.json`;
    expect(allows(boundary, { action: 's3:GetObject', resource: state })).toBe(false);
  });
});

test.each(['ec2.amazonaws.com', 'sts.amazonaws.com'])('roles are not passed to %s', (service) => {
  const role = iam(`role/${names.tokenExchangeRole}`);
  expect(may('iam:PassRole', role, { 'iam:PassedToService': service })).toBe(false);
  expect(may('iam:PassRole', role)).toBe(false);
});
