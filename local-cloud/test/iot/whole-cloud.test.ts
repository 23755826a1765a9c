import { request } from 'node:https';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateRoleAliasCommand,
  CreateThingCommand,
  DescribeThingCommand,
  IoTClient,
  ListThingsCommand,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';
import { temporaryDirectory } from './cloud.js';
import { connect, type Identity, messages, newRequest, prepareFleet, rootCa } from './fleet.js';

const directory = temporaryDirectory();
let cloud: LocalCloud & { stateDirectory: string };
let iot: IoTClient;
let claim: Identity;

const HOOK = 'arn:aws:lambda:eu-central-1:000000000000:function:hook';
const trust = (service: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
  });

beforeAll(async () => {
  const started = await startCloud({ stateDirectory: directory.path, log: () => {} });
  cloud = { ...started, stateDirectory: directory.path };
  iot = new IoTClient({ ...clientConfig(cloud), maxAttempts: 1 });
  claim = await prepareFleet(iot, HOOK);
  const iam = new IAMClient(clientConfig(cloud));
  await iam.send(
    new CreateRoleCommand({ RoleName: 'runner', AssumeRolePolicyDocument: trust('lambda.amazonaws.com') }),
  );
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'exchange',
      AssumeRolePolicyDocument: trust('credentials.iot.amazonaws.com'),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'exchange',
      PolicyName: 'p',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'iot:Publish', Resource: 'arn:aws:iot:*:*:topic/device/*' },
          { Effect: 'Allow', Action: 'iot:DescribeThing', Resource: 'arn:aws:iot:*:*:thing/serial-1' },
        ],
      }),
    }),
  );
  const lambda = new LambdaClient(clientConfig(cloud));
  const source =
    'exports.handler = async ({ parameters }) => ({ allowProvisioning: parameters.SerialNumber === "serial-1" });';
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'hook',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/runner',
      Code: { ZipFile: zipSync({ 'index.js': strToU8(source) }) },
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: 'hook',
      StatementId: 'iot',
      Action: 'lambda:InvokeFunction',
      Principal: 'iot.amazonaws.com',
      SourceArn: 'arn:aws:iot:eu-central-1:000000000000:provisioningtemplate/fleet',
    }),
  );
  for (const [roleAlias, role] of [
    ['exchange', 'exchange'],
    ['untrusting', 'runner'],
  ]) {
    await iot.send(
      new CreateRoleAliasCommand({ roleAlias, roleArn: `arn:aws:iam::000000000000:role/${role}` }),
    );
  }
});
afterAll(() => directory.remove());

async function provision(serial: string) {
  const { csr, key } = await newRequest();
  const client = await connect(cloud, claim, `claim-${serial}`);
  const received = messages(client);
  const topics = [
    '$aws/certificates/create-from-csr/json',
    '$aws/provisioning-templates/fleet/provision/json',
  ];
  await client.subscribeAsync(topics.flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`]));
  const ask = async (topic: string, payload: object) => {
    await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
    return (await received.next()).body as Record<string, string>;
  };
  const [create = '', register = ''] = topics;
  const made = await ask(create, { certificateSigningRequest: csr });
  const { certificateOwnershipToken } = made;
  const answer = await ask(register, { certificateOwnershipToken, parameters: { SerialNumber: serial } });
  client.end();
  return { answer, identity: { cert: made.certificatePem ?? '', key } };
}

test('a hook that runs in Lambda decides who is provisioned, and who is gets credentials of the role', async () => {
  const refused = await provision('serial-2');
  expect(refused.answer).toMatchObject({ statusCode: 403, errorCode: 'AccessDenied' });
  await expect(connect(cloud, refused.identity, 'serial-2')).rejects.toThrow();
  const { answer, identity } = await provision('serial-1');
  expect(answer).toMatchObject({ thingName: 'serial-1' });
  (await connect(cloud, identity, 'serial-1')).end();

  const ask = (alias: string) =>
    new Promise<{ status: number; body: { credentials: Record<string, string> } }>((resolve, reject) => {
      const headers = { 'x-amzn-iot-thingname': 'serial-1' };
      const path = `/role-aliases/${alias}/credentials`;
      const ca = rootCa(cloud);
      request(
        { host: 'localhost', port: cloud.ports.https, ca, ...identity, path, headers, agent: false },
        async (incoming) => {
          let text = '';
          for await (const chunk of incoming) text += chunk;
          resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) });
        },
      )
        .on('error', reject)
        .end();
    });
  expect(await ask('untrusting')).toMatchObject({ status: 403 });
  const { status, body } = await ask('exchange');
  expect(status).toBe(200);
  const { accessKeyId = '', secretAccessKey = '', sessionToken } = body.credentials;
  const config = {
    ...clientConfig(cloud),
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  };
  const { Arn } = await new STSClient(config).send(new GetCallerIdentityCommand({}));
  expect(Arn).toMatch(/^arn:aws:sts::000000000000:assumed-role\/exchange\/[0-9a-f]{64}$/);

  const data = new IoTDataPlaneClient(config);
  await data.send(new PublishCommand({ topic: 'device/x', payload: Buffer.from('x') }));
  await expect(
    data.send(new PublishCommand({ topic: 'other', payload: Buffer.from('x') })),
  ).rejects.toMatchObject({
    name: 'ForbiddenException',
  });
  const asRole = new IoTClient(config);
  await asRole.send(new DescribeThingCommand({ thingName: 'serial-1' }));
  await expect(asRole.send(new DescribeThingCommand({ thingName: 'serial-3' }))).rejects.toMatchObject({
    name: 'UnauthorizedException',
  });
  await expect(asRole.send(new ListThingsCommand({}))).rejects.toMatchObject({
    name: 'UnauthorizedException',
  });
});

test('a session of a role does in AWS IoT what its policies allow', async () => {
  const client = new IoTClient(
    await roleSession(cloud, 'operator', [
      { Effect: 'Allow', Action: 'iot:CreateThing', Resource: 'arn:aws:iot:*:*:thing/mine-*' },
      { Effect: 'Allow', Action: 'iot:ListThings', Resource: '*' },
    ]),
  );
  await client.send(new CreateThingCommand({ thingName: 'mine-1' }));
  await expect(client.send(new CreateThingCommand({ thingName: 'yours-1' }))).rejects.toMatchObject({
    name: 'UnauthorizedException',
  });
  await client.send(new ListThingsCommand({}));
});

test('a port of the device listeners that is taken is named', async () => {
  for (const name of ['mqtt', 'https'] as const) {
    const ports = { http: 0, mqtt: 0, https: 0, [name]: cloud.ports[name] };
    await expect(startCloud({ ports })).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringContaining(`${name.toUpperCase()}, is taken`),
    });
  }
});
