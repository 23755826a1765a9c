import {
  GetDistributionCommand,
  GetOriginAccessControlCommand,
  GetResponseHeadersPolicyCommand,
} from '@aws-sdk/client-cloudfront';
import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeIdentityPoolCommand, GetIdentityPoolRolesCommand } from '@aws-sdk/client-cognito-identity';
import {
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { DescribeRepositoriesCommand } from '@aws-sdk/client-ecr';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import {
  DescribeAccountAuditConfigurationCommand,
  DescribeProvisioningTemplateCommand,
  DescribeRoleAliasCommand,
  DescribeScheduledAuditCommand,
  DescribeThingGroupCommand,
  GetPolicyCommand,
  GetTopicRuleCommand,
  GetV2LoggingOptionsCommand,
} from '@aws-sdk/client-iot';
import {
  GetFunctionCommand,
  GetFunctionEventInvokeConfigCommand,
  GetPolicyCommand as GetFunctionPolicyCommand,
  GetFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda';
import { GetBucketPolicyCommand, HeadBucketCommand } from '@aws-sdk/client-s3';
import { GetSubscriptionAttributesCommand, GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { deployLocal } from '@mooring/pipeline';
import { type Step, see } from '../step.js';
import type { World } from '../world.js';

type Clients = Awaited<ReturnType<World['clients']>>;

/** Asks the service that owns a resource for it; throws when it is not there. */
const lookUp: Record<string, (clients: Clients, identifier: string) => Promise<unknown>> = {
  'AWS::IoT::ThingGroup': ({ iot }, thingGroupName) =>
    iot.send(new DescribeThingGroupCommand({ thingGroupName })),
  'AWS::IoT::Policy': ({ iot }, id) => iot.send(new GetPolicyCommand({ policyName: nameOf(id) })),
  'AWS::IoT::ProvisioningTemplate': ({ iot }, templateName) =>
    iot.send(new DescribeProvisioningTemplateCommand({ templateName })),
  'AWS::IoT::RoleAlias': ({ iot }, roleAlias) => iot.send(new DescribeRoleAliasCommand({ roleAlias })),
  'AWS::IoT::TopicRule': ({ iot }, ruleName) => iot.send(new GetTopicRuleCommand({ ruleName })),
  'AWS::IoT::AccountAuditConfiguration': async ({ iot }) => {
    const { auditCheckConfigurations = {} } = await iot.send(
      new DescribeAccountAuditConfigurationCommand({}),
    );
    see(
      Object.values(auditCheckConfigurations).some(({ enabled }) => enabled),
      'no audit check is enabled',
    );
  },
  'AWS::IoT::Logging': async ({ iot }) => {
    const { disableAllLogs } = await iot.send(new GetV2LoggingOptionsCommand({}));
    see(disableAllLogs === false, 'AWS IoT logs nothing');
  },
  'AWS::IoT::ScheduledAudit': ({ iot }, scheduledAuditName) =>
    iot.send(new DescribeScheduledAuditCommand({ scheduledAuditName })),
  'AWS::SNS::Topic': ({ sns }, TopicArn) => sns.send(new GetTopicAttributesCommand({ TopicArn })),
  'AWS::SNS::TopicInlinePolicy': async ({ sns }, TopicArn) => {
    const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
    see(Attributes.Policy, `${TopicArn} has no policy`);
  },
  'AWS::SNS::Subscription': ({ sns }, SubscriptionArn) =>
    sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn })),
  'AWS::SQS::Queue': ({ sqs }, QueueUrl) =>
    sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] })),
  'AWS::Lambda::EventInvokeConfig': ({ lambda }, identifier) => {
    const [FunctionName, Qualifier] = identifier.split('|');
    return lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier }));
  },
  'AWS::IAM::Role': ({ iam }, RoleName) => iam.send(new GetRoleCommand({ RoleName })),
  'AWS::Lambda::Function': ({ lambda }, FunctionName) =>
    lambda.send(new GetFunctionCommand({ FunctionName })),
  'AWS::Lambda::Permission': async ({ lambda }, identifier) => {
    const [FunctionName, statementId] = identifier.split('|');
    const { Policy = '' } = await lambda.send(new GetFunctionPolicyCommand({ FunctionName }));
    see(
      statementId && Policy.includes(statementId),
      `the policy of ${FunctionName} has no statement ${statementId}`,
    );
  },
  'AWS::Logs::LogGroup': async ({ logs }, logGroupNamePrefix) => {
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix }));
    see(
      logGroups.some(({ logGroupName }) => logGroupName === logGroupNamePrefix),
      `there is no log group ${logGroupNamePrefix}`,
    );
  },
  'AWS::Lambda::Url': ({ lambda }, arn) =>
    lambda.send(new GetFunctionUrlConfigCommand({ FunctionName: arn.split(':')[6] })),
  'AWS::CloudFront::Distribution': ({ cloudFront }, Id) =>
    cloudFront.send(new GetDistributionCommand({ Id })),
  'AWS::CloudFront::OriginAccessControl': ({ cloudFront }, Id) =>
    cloudFront.send(new GetOriginAccessControlCommand({ Id })),
  'AWS::CloudFront::ResponseHeadersPolicy': ({ cloudFront }, Id) =>
    cloudFront.send(new GetResponseHeadersPolicyCommand({ Id })),
  'AWS::Cognito::UserPool': ({ userPools }, UserPoolId) =>
    userPools.send(new DescribeUserPoolCommand({ UserPoolId })),
  'AWS::Cognito::UserPoolClient': ({ userPools }, identifier) => {
    const [UserPoolId, ClientId] = identifier.split('|');
    return userPools.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  },
  'AWS::Cognito::UserPoolGroup': ({ userPools }, identifier) => {
    const [UserPoolId, GroupName] = identifier.split('|');
    return userPools.send(new GetGroupCommand({ UserPoolId, GroupName }));
  },
  'AWS::Cognito::IdentityPool': ({ identityPools }, IdentityPoolId) =>
    identityPools.send(new DescribeIdentityPoolCommand({ IdentityPoolId })),
  'AWS::Cognito::IdentityPoolRoleAttachment': async ({ identityPools }, IdentityPoolId) => {
    const { Roles = {} } = await identityPools.send(new GetIdentityPoolRolesCommand({ IdentityPoolId }));
    see(Roles.authenticated, `the identity pool ${IdentityPoolId} has no role`);
  },
  'AWS::DynamoDB::Table': ({ dynamodb }, TableName) => dynamodb.send(new DescribeTableCommand({ TableName })),
  'AWS::ECR::Repository': ({ ecr }, repositoryName) =>
    ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] })),
  'AWS::S3::Bucket': ({ s3 }, Bucket) => s3.send(new HeadBucketCommand({ Bucket })),
  'AWS::S3::BucketPolicy': ({ s3 }, Bucket) => s3.send(new GetBucketPolicyCommand({ Bucket })),
};

/** The last part of an ARN, or the name itself. */
function nameOf(identifier: string): string {
  return identifier.split('/').at(-1) ?? identifier;
}

export const deploy: Step = {
  step: 1,
  name: 'deploy',
  expected: "every resource of the program exists by its own service's API; a second deploy changes nothing",
  needs: [],
  async play(world) {
    const target = await world.target();
    const first = await deployLocal(target);
    see(first.result.created > 0, 'the first deploy created nothing');
    const second = await deployLocal(target);
    see(!second.plan.changes, 'a second deploy wants to change something');

    const clients = await world.clients();
    for (const { resource } of second.plan.steps) {
      const { type, identifier, name } = resource;
      see(identifier !== undefined, `${name} (${type}) has no identifier`);
      const look = lookUp[type];
      see(look, `there is no look-up for ${type}; add one, so that every resource is seen`);
      await look(clients, identifier).catch((error: unknown) => {
        see(false, `${name} (${type} ${identifier}) is not there: ${String(error)}`);
      });
    }
    const types = new Set(second.plan.steps.map(({ resource }) => resource.type));
    return `${first.result.created} resources of ${types.size} types created and found by their services; the second deploy changed nothing`;
  },
};
