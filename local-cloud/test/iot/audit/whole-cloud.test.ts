import {
  CloudControlClient,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  type ProgressEvent,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DetachRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { CreatePolicyCommand, IoTClient, ListAuditFindingsCommand } from '@aws-sdk/client-iot';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { strToU8, zipSync } from 'fflate';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../../src/local-cloud.js';
import { clientConfig, startCloud } from '../../support/cloud.js';
import { ALLOW_ALL, policyText } from '../fleet.js';
import { audit, certificates, EXPIRING, ROLE, TOPIC } from './support.js';

let cloud: LocalCloud;
let iot: IoTClient;
let iam: IAMClient;
let control: CloudControlClient;

const POLICY = 'arn:aws:iam::aws:policy/service-role/AWSIoTDeviceDefenderAudit';
const trust = (Service: string) =>
  policyText({ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' });

beforeAll(async () => {
  cloud = await startCloud({ certificateValidity: '20d', log: () => {} });
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  iot = new IoTClient(config);
  iam = new IAMClient(config);
  control = new CloudControlClient(config);
  for (const [RoleName, service] of [
    ['auditor', 'iot.amazonaws.com'],
    ['runner', 'lambda.amazonaws.com'],
  ] as const) {
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust(service) }));
  }
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'auditor',
      PolicyName: 'tell',
      PolicyDocument: policyText({ Effect: 'Allow', Action: 'sns:Publish', Resource: TOPIC }),
    }),
  );
});

async function finished(event: ProgressEvent | undefined): Promise<ProgressEvent> {
  let current = event;
  while (current?.OperationStatus === 'PENDING' || current?.OperationStatus === 'IN_PROGRESS') {
    const { RequestToken } = current;
    current = (await control.send(new GetResourceRequestStatusCommand({ RequestToken }))).ProgressEvent;
  }
  return current ?? {};
}
const create = async (TypeName: string, desired: object) =>
  finished(
    (await control.send(new CreateResourceCommand({ TypeName, DesiredState: JSON.stringify(desired) })))
      .ProgressEvent,
  );
const update = async (TypeName: string, Identifier: string, ...patch: object[]) => {
  const command = new UpdateResourceCommand({ TypeName, Identifier, PatchDocument: JSON.stringify(patch) });
  return finished((await control.send(command)).ProgressEvent);
};
const remove = async (TypeName: string, Identifier: string) =>
  finished((await control.send(new DeleteResourceCommand({ TypeName, Identifier }))).ProgressEvent);
const read = async (TypeName: string, Identifier: string) => {
  const { ResourceDescription } = await control.send(new GetResourceCommand({ TypeName, Identifier }));
  return JSON.parse(ResourceDescription?.Properties ?? '') as Record<string, unknown>;
};

test('audits are set up by Cloud Control, and tell a function by SNS what they found', async () => {
  const config = clientConfig(cloud);
  const lambda = new LambdaClient(config);
  const sns = new SNSClient(config);
  const source = 'exports.handler = async ({ Records }) => console.log(`told ${Records[0].Sns.Message}`);';
  const account = {
    AccountId: '000000000000',
    RoleArn: ROLE,
    AuditCheckConfigurations: {
      DeviceCertificateExpiringCheck: {
        Enabled: true,
        Configuration: { CertExpirationThresholdInDays: '45' },
      },
      IotPolicyOverlyPermissiveCheck: { Enabled: true },
      UnauthenticatedCognitoRoleOverlyPermissiveCheck: { Enabled: true },
    },
    AuditNotificationTargetConfigurations: { Sns: { TargetArn: TOPIC, RoleArn: ROLE, Enabled: true } },
  };
  const typeName = 'AWS::IoT::AccountAuditConfiguration';
  expect(await create(typeName, account)).toMatchObject({
    OperationStatus: 'SUCCESS',
    Identifier: '000000000000',
  });
  expect(await read(typeName, '000000000000')).toEqual(account);
  expect(await create(typeName, account)).toMatchObject({ ErrorCode: 'AlreadyExists' });
  const scheduled = {
    ScheduledAuditName: 'DeviceCertificateExpiring',
    Frequency: 'DAILY',
    TargetCheckNames: [EXPIRING],
    Tags: [{ Key: 'k', Value: 'v' }],
  };
  expect(await create('AWS::IoT::ScheduledAudit', scheduled)).toMatchObject({ OperationStatus: 'SUCCESS' });
  expect(await read('AWS::IoT::ScheduledAudit', 'DeviceCertificateExpiring')).toMatchObject(scheduled);
  const weekly = await update(
    'AWS::IoT::ScheduledAudit',
    'DeviceCertificateExpiring',
    { op: 'replace', path: '/Frequency', value: 'WEEKLY' },
    { op: 'add', path: '/DayOfWeek', value: 'SUN' },
  );
  expect(weekly).toMatchObject({ OperationStatus: 'SUCCESS' });
  const action = {
    ActionName: 'tell',
    RoleArn: ROLE,
    ActionParams: { PublishFindingToSnsParams: { TopicArn: TOPIC } },
  };
  expect(await create('AWS::IoT::MitigationAction', action)).toMatchObject({ OperationStatus: 'SUCCESS' });
  expect(await read('AWS::IoT::MitigationAction', 'tell')).toMatchObject(action);
  expect(await remove('AWS::IoT::MitigationAction', 'tell')).toMatchObject({ OperationStatus: 'SUCCESS' });

  const LOGS = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'runner', PolicyArn: LOGS }));
  await sns.send(new CreateTopicCommand({ Name: 'told' }));
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName: 'told', Runtime: 'nodejs22.x', Handler: 'index.handler' },
      Role: 'arn:aws:iam::000000000000:role/runner',
      Timeout: 30,
      Code: { ZipFile: zipSync({ 'index.js': strToU8(source) }) },
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      ...{ FunctionName: 'told', StatementId: 'sns', Action: 'lambda:InvokeFunction' },
      ...{ Principal: 'sns.amazonaws.com', SourceArn: TOPIC },
    }),
  );
  await sns.send(new SubscribeCommand({ TopicArn: TOPIC, Protocol: 'lambda', Endpoint: FunctionArn }));

  // Until the role may look at certificates nothing can be said of them.
  await certificates(iot, 2);
  const blind = await audit(iot, EXPIRING);
  expect(blind).toMatchObject({
    taskStatus: 'FAILED',
    auditDetails: { [EXPIRING]: { checkRunStatus: 'FAILED', errorCode: 'INSUFFICIENT_PERMISSIONS' } },
  });
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'auditor', PolicyArn: POLICY }));
  const own = policyText({
    Effect: 'Allow',
    Action: 'iot:Connect',
    Resource: 'arn:aws:iot:eu-central-1:000000000000:client/${iot:Connection.Thing.ThingName}',
  });
  await iot.send(new CreatePolicyCommand({ policyName: 'own', policyDocument: own }));
  await iot.send(new CreatePolicyCommand({ policyName: 'all', policyDocument: ALLOW_ALL }));
  const permissive = 'IOT_POLICY_OVERLY_PERMISSIVE_CHECK';
  const cognito = 'UNAUTHENTICATED_COGNITO_ROLE_OVERLY_PERMISSIVE_CHECK';
  const { taskId, ...task } = await audit(iot, EXPIRING, permissive, cognito);
  expect(task).toMatchObject({
    taskStatus: 'COMPLETED',
    auditDetails: {
      [EXPIRING]: { totalResourcesCount: 2, nonCompliantResourcesCount: 2 },
      [permissive]: { totalResourcesCount: 2, nonCompliantResourcesCount: 1 },
      [cognito]: { checkRunStatus: 'FAILED', errorCode: 'AUDIT_CHECK_NOT_SUPPORTED' },
    },
  });
  const { findings } = await iot.send(new ListAuditFindingsCommand({ taskId, checkName: permissive }));
  expect(findings).toMatchObject([
    {
      severity: 'CRITICAL',
      nonCompliantResource: {
        resourceType: 'IOT_POLICY',
        resourceIdentifier: { policyVersionIdentifier: { policyName: 'all', policyVersionId: '1' } },
      },
    },
  ]);
  const logs = new CloudWatchLogsClient(config);
  await expect
    .poll(
      async () => {
        const { events = [] } = await logs.send(
          new FilterLogEventsCommand({ logGroupName: '/aws/lambda/told' }),
        );
        return events.map(({ message }) => message).join('\n');
      },
      { timeout: 20_000 },
    )
    .toContain(`"taskId":"${taskId}","taskStatus":"COMPLETED"`);

  expect(await remove('AWS::IoT::ScheduledAudit', 'DeviceCertificateExpiring')).toMatchObject({
    OperationStatus: 'SUCCESS',
  });
  expect(await remove(typeName, '000000000000')).toMatchObject({ OperationStatus: 'SUCCESS' });
  await iam.send(new DetachRolePolicyCommand({ RoleName: 'auditor', PolicyArn: POLICY }));
});
