import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import * as sdk from '@aws-sdk/client-iot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { temporaryDirectory } from './cloud.js';
import { connect, type Identity, newIdentity, newRequest, policyText } from './fleet.js';

const directory = temporaryDirectory();
const account = '000000000000';
const group = `arn:aws:logs:eu-central-1:${account}:log-group:AWSIotLogsV2`;
const roleArn = `arn:aws:iam::${account}:role/logger`;
let cloud: LocalCloud & { stateDirectory: string };
let iot: sdk.IoTClient;
let iam: IAMClient;
let logs: CloudWatchLogsClient;
let device: Identity;

const failure = (name: string) => expect.objectContaining({ name });
const document = (statement: object) =>
  JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', ...statement } });

async function mayWrite(): Promise<void> {
  await iam.send(
    new PutRolePolicyCommand({
      ...{ RoleName: 'logger', PolicyName: 'write' },
      PolicyDocument: document({
        Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: [group, `${group}:*`],
      }),
    }),
  );
}

beforeAll(async () => {
  const started = await startCloud({ stateDirectory: directory.path, log: () => {} });
  cloud = { ...started, stateDirectory: directory.path };
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  iot = new sdk.IoTClient(config);
  iam = new IAMClient(config);
  logs = new CloudWatchLogsClient(config);
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'logger',
      AssumeRolePolicyDocument: document({
        Principal: { Service: 'iot.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    }),
  );
  await mayWrite();
  const of = (resource: string) => `arn:aws:iot:eu-central-1:${account}:${resource}`;
  device = await newIdentity(
    iot,
    'own',
    policyText(
      { Effect: 'Allow', Action: 'iot:Connect', Resource: of('client/device*') },
      {
        Effect: 'Allow',
        Action: ['iot:Publish', 'iot:Receive'],
        Resource: [of('topic/own/*'), of('topic/$aws/*')],
      },
      {
        Effect: 'Allow',
        Action: 'iot:Subscribe',
        Resource: [of('topicfilter/own/*'), of('topicfilter/$aws/*')],
      },
    ),
  );
});
afterAll(() => {
  for (const client of [iot, iam, logs]) client.destroy();
  directory.remove();
});

/** The entries that were written, oldest first, since the test began. */
async function entries(since: number): Promise<Record<string, unknown>[]> {
  const { events = [] } = await logs
    .send(new FilterLogEventsCommand({ logGroupName: 'AWSIotLogsV2' }))
    .catch((error: Error) => {
      if (error.name === 'ResourceNotFoundException') return { events: [] };
      throw error;
    });
  return events.slice(since).map(({ message = '' }) => JSON.parse(message));
}
const written = async () => (await entries(0)).length;

test('logging is set up by an account and its targets, with a role that AWS IoT can assume', async () => {
  await expect(iot.send(new sdk.GetV2LoggingOptionsCommand({}))).rejects.toEqual(
    failure('NotConfiguredException'),
  );
  const target = { targetType: 'CLIENT_ID', targetName: 'device-2' } as const;
  const setLevel = (logLevel: sdk.LogLevel) =>
    iot.send(new sdk.SetV2LoggingLevelCommand({ logTarget: target, logLevel }));
  await expect(setLevel('INFO')).rejects.toEqual(failure('NotConfiguredException'));
  const options = (input: sdk.SetV2LoggingOptionsCommandInput) =>
    iot.send(new sdk.SetV2LoggingOptionsCommand(input));
  await expect(options({ roleArn: `${roleArn}-2`, defaultLogLevel: 'ERROR' })).rejects.toEqual(
    failure('InvalidRequestException'),
  );
  await options({ roleArn, defaultLogLevel: 'WARN' });
  expect(await iot.send(new sdk.GetV2LoggingOptionsCommand({}))).toMatchObject({
    ...{ roleArn, defaultLogLevel: 'WARN', disableAllLogs: false },
  });
  await setLevel('INFO');
  await setLevel('DEBUG');
  const { logTargetConfigurations } = await iot.send(new sdk.ListV2LoggingLevelsCommand({}));
  expect(logTargetConfigurations).toEqual([{ logTarget: target, logLevel: 'DEBUG' }]);
  await expect(
    iot.send(new sdk.SetV2LoggingLevelCommand({ logTarget: { targetType: 'DEFAULT' }, logLevel: 'INFO' })),
  ).rejects.toEqual(failure('InvalidRequestException'));
  await iot.send(new sdk.DeleteV2LoggingLevelCommand(target));
  expect((await iot.send(new sdk.ListV2LoggingLevelsCommand({}))).logTargetConfigurations).toEqual([]);
});

test('what a device may not do is logged, and nothing of what it may', async () => {
  const since = await written();
  await iot.send(new sdk.SetV2LoggingOptionsCommand({ roleArn, defaultLogLevel: 'ERROR' }));
  const client = await connect(cloud, device, 'device-1');
  await client.publishAsync('own/topic', '{}', { qos: 1 });
  await expect(client.publishAsync('others/topic', '{}', { qos: 1 })).rejects.toThrow();
  await client.subscribeAsync('others/#').catch(() => {});
  await expect(connect(cloud, device, 'stranger')).rejects.toThrow();
  await client.endAsync();
  const failed = {
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/),
    logLevel: 'ERROR',
    traceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    accountId: account,
    status: 'Failure',
    protocol: 'MQTT',
    principalId: device.certificateId,
    sourceIp: '127.0.0.1',
    sourcePort: expect.any(Number),
    reason: 'AUTHORIZATION_FAILURE',
    details: 'Authorization Failure',
  };
  expect(await entries(since)).toEqual([
    { ...failed, eventType: 'Publish-In', topicName: 'others/topic', clientId: 'device-1' },
    { ...failed, eventType: 'Subscribe', topicName: 'others/#', clientId: 'device-1' },
    { ...failed, eventType: 'Connect', clientId: 'stranger' },
  ]);
});

test('a target can be logged of in more detail than the account', async () => {
  const since = await written();
  await iot.send(new sdk.CreateThingCommand({ thingName: 'device-3' }));
  await iot.send(
    new sdk.AttachThingPrincipalCommand({ thingName: 'device-3', principal: device.certificateArn }),
  );
  await iot.send(new sdk.CreateThingGroupCommand({ thingGroupName: 'watched' }));
  await iot.send(new sdk.CreateThingGroupCommand({ thingGroupName: 'below', parentGroupName: 'watched' }));
  await iot.send(new sdk.AddThingToThingGroupCommand({ thingName: 'device-3', thingGroupName: 'below' }));
  const control = resources(cloud);
  const identifier = await control.create('AWS::IoT::ResourceSpecificLogging', {
    ...{ TargetType: 'THING_GROUP', TargetName: 'watched', LogLevel: 'INFO' },
  });
  expect(identifier).toBe('THING_GROUP:watched');
  for (const clientId of ['device-1', 'device-3']) {
    const client = await connect(cloud, device, clientId);
    await client.subscribeAsync('own/#');
    await client.publishAsync('own/topic', '{}', { qos: 1 });
    await client.endAsync();
  }
  const connected = { status: 'Success', logLevel: 'INFO', clientId: 'device-3', protocol: 'MQTT' };
  await expect.poll(() => entries(since)).toHaveLength(4);
  expect(await entries(since)).toMatchObject([
    { ...connected, eventType: 'Connect' },
    { ...connected, eventType: 'Subscribe', topicName: 'own/#' },
    { ...connected, eventType: 'Publish-In', topicName: 'own/topic' },
    { ...connected, eventType: 'Disconnect', disconnectReason: 'CLIENT_INITIATED_DISCONNECT' },
  ]);
  await control.delete('AWS::IoT::ResourceSpecificLogging', identifier);
});

test('rules and provisioning that fail are logged', async () => {
  const since = await written();
  await iot.send(
    new sdk.CreateTopicRuleCommand({
      ruleName: 'Failing',
      topicRulePayload: {
        sql: "SELECT * FROM 'own/rule'",
        actions: [{ dynamoDBv2: { roleArn, putItem: { tableName: 'none' } } }],
      },
    }),
  );
  const client = await connect(cloud, device, 'device-1');
  await client.publishAsync('own/rule', '{}', { qos: 1 });
  await expect.poll(() => entries(since)).toHaveLength(1);
  await client.publishAsync('$aws/rules/Missing/own', '{}', { qos: 1 });
  await expect.poll(() => entries(since)).toHaveLength(2);
  const { csr } = await newRequest();
  await client.publishAsync(
    '$aws/certificates/create-from-csr/json',
    JSON.stringify({ certificateSigningRequest: csr.slice(0, 100) }),
    { qos: 1 },
  );
  await expect.poll(() => entries(since)).toHaveLength(3);
  await client.publishAsync(
    '$aws/provisioning-templates/none/provision/json',
    JSON.stringify({ certificateOwnershipToken: 'none' }),
    { qos: 1 },
  );
  await expect.poll(() => entries(since)).toHaveLength(4);
  await client.endAsync();
  const failed = {
    logLevel: 'ERROR',
    status: 'Failure',
    clientId: 'device-1',
    principalId: device.certificateId,
    details: expect.any(String),
  };
  expect(await entries(since)).toMatchObject([
    {
      ...failed,
      eventType: 'RuleExecution',
      topicName: 'own/rule',
      ruleName: 'Failing',
      ruleAction: 'DynamoDBv2Action',
    },
    { ...failed, eventType: 'RuleNotFound', topicName: '$aws/rules/Missing/own', ruleName: 'Missing' },
    { ...failed, eventType: 'GetDeviceCredentials', reason: 'InvalidCertificateSigningRequest' },
    { ...failed, eventType: 'ProvisionDevice', provisioningTemplateName: 'none' },
  ]);
});

test('nothing is logged without the permission, nor when logging is turned off', async () => {
  const since = await written();
  const refused = () => connect(cloud, device, 'stranger').catch(() => {});
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'logger', PolicyName: 'write' }));
  await refused();
  await mayWrite();
  await iot.send(
    new sdk.SetV2LoggingOptionsCommand({ roleArn, defaultLogLevel: 'DEBUG', disableAllLogs: true }),
  );
  await refused();
  expect(await entries(since)).toEqual([]);
});

test('AWS::IoT::Logging is the account’s one configuration', async () => {
  const control = resources(cloud);
  const properties = { AccountId: account, RoleArn: roleArn, DefaultLogLevel: 'ERROR' };
  const identifier = await control.create('AWS::IoT::Logging', properties);
  expect(identifier).toBe(account);
  expect(await control.read('AWS::IoT::Logging', identifier)).toEqual(properties);
  await expect(control.create('AWS::IoT::Logging', properties)).rejects.toThrow();
  await control.update('AWS::IoT::Logging', identifier, [
    { op: 'replace', path: '/DefaultLogLevel', value: 'WARN' },
  ]);
  expect(await iot.send(new sdk.GetV2LoggingOptionsCommand({}))).toMatchObject({ defaultLogLevel: 'WARN' });
  await control.delete('AWS::IoT::Logging', identifier);
  expect(await iot.send(new sdk.GetV2LoggingOptionsCommand({}))).toMatchObject({ disableAllLogs: true });
});
