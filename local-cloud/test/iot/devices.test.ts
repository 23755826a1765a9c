import { request } from 'node:https';
import {
  AttachThingPrincipalCommand,
  CreateRoleAliasCommand,
  CreateThingCommand,
  GetThingConnectivityDataCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import {
  DeleteConnectionCommand,
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  ListRetainedMessagesCommand,
  PublishCommand,
} from '@aws-sdk/client-iot-data-plane';
import mqtt from 'mqtt';
import { expect, test } from 'vitest';
import { presigned } from '../support/mqtt-over-websocket.js';
import { type IotCloud, iotCloud } from './cloud.js';
import {
  ALLOW_ALL,
  connect,
  type Identity,
  iotClient,
  messages,
  newIdentity,
  policyText,
  rootCa,
  sdkConfig,
} from './fleet.js';

const arn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;

/** A request to the device HTTPS listener with a certificate. */
function call(
  cloud: IotCloud,
  identity: Pick<Identity, 'cert' | 'key'>,
  method: string,
  path: string,
  options: { body?: string; headers?: Record<string, string>; ALPNProtocols?: string[] } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: 'localhost',
        port: cloud.ports.https,
        ca: rootCa(cloud),
        ...identity,
        method,
        path,
        agent: false,
        ...rest,
      },
      async (incoming) => {
        let text = '';
        for await (const chunk of incoming) text += chunk;
        resolve({ status: incoming.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('the data plane publishes, keeps retained messages, and ends connections', async () => {
  const cloud = await iotCloud();
  const data = new IoTDataPlaneClient(sdkConfig(cloud));
  const identity = await newIdentity(iotClient(cloud), 'all', ALLOW_ALL);
  const client = await connect(cloud, identity, 'd');
  const packets: mqtt.IPublishPacket[] = [];
  client.on('message', (_topic, _payload, packet) => packets.push(packet));
  const received = messages(client);
  await client.subscribeAsync('a/#', { qos: 1 });
  await data.send(
    new PublishCommand({
      topic: 'a/b c/ü',
      payload: Buffer.from('{"x":1}'),
      qos: 1,
      contentType: 'application/json',
      userProperties: JSON.stringify([{ k: 'v' }, { k: 'w' }]),
      responseTopic: 'r',
      correlationData: Buffer.from('id').toString('base64'),
      payloadFormatIndicator: 'UTF8_DATA',
      messageExpiry: 60,
    }),
  );
  expect(await received.next()).toEqual({ topic: 'a/b c/ü', body: { x: 1 } });
  expect(packets[0]).toMatchObject({
    qos: 1,
    properties: {
      contentType: 'application/json',
      userProperties: { k: ['v', 'w'] },
      responseTopic: 'r',
      payloadFormatIndicator: true,
    },
  });
  for (const topic of ['kept/1', 'kept/2', 'kept/3']) {
    await data.send(new PublishCommand({ topic, payload: Buffer.from(topic), qos: 1, retain: true }));
  }
  const kept = await data.send(new GetRetainedMessageCommand({ topic: 'kept/2' }));
  expect(Buffer.from(kept.payload ?? []).toString()).toBe('kept/2');
  expect(kept).toMatchObject({ topic: 'kept/2', qos: 1 });
  const first = await data.send(new ListRetainedMessagesCommand({ maxResults: 2 }));
  expect(first.retainedTopics?.map(({ topic }) => topic)).toEqual(['kept/1', 'kept/2']);
  const second = await data.send(new ListRetainedMessagesCommand({ nextToken: first.nextToken }));
  expect(second.retainedTopics?.map(({ topic }) => topic)).toEqual(['kept/3']);
  expect(second.nextToken).toBeUndefined();
  await expect(data.send(new GetRetainedMessageCommand({ topic: 'none' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  await expect(
    data.send(new PublishCommand({ topic: 'a', payload: Buffer.alloc(128 * 1024 + 1) })),
  ).rejects.toMatchObject({ name: 'RequestEntityTooLargeException' });
  await expect(data.send(new PublishCommand({ topic: 'a/#' }))).rejects.toMatchObject({
    name: 'InvalidRequestException',
  });
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await data.send(new DeleteConnectionCommand({ clientId: 'd' }));
  await gone;
  await expect(data.send(new DeleteConnectionCommand({ clientId: 'd' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('a device publishes over HTTPS what its policies allow', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const listener = await connect(cloud, await newIdentity(iot, 'all', ALLOW_ALL), 'listener');
  await listener.subscribeAsync('out/#', { qos: 1 });
  const received = messages(listener);
  const device = await newIdentity(
    iot,
    'device',
    policyText({ Effect: 'Allow', Action: 'iot:Publish', Resource: arn('topic/out/*') }),
  );
  const publish = (path: string) => call(cloud, device, 'POST', path, { body: '{"on":true}' });
  expect(await publish('/topics/out/a%2Fb?qos=1')).toMatchObject({ status: 200 });
  expect(await received.next()).toEqual({ topic: 'out/a/b', body: { on: true } });
  expect(await publish('/topics/elsewhere?qos=1')).toMatchObject({
    status: 403,
    body: { message: 'Forbidden' },
  });
  expect(await publish('/topics/out/a?qos=1&retain=true')).toMatchObject({ status: 403 });
  expect(await publish('/nothing-here')).toMatchObject({ status: 404 });
  expect(
    await call(cloud, device, 'POST', '/topics/out/x?qos=1', { ALPNProtocols: ['x-amzn-http-ca'] }),
  ).toMatchObject({ status: 200 });
  await iot.send(
    new UpdateCertificateCommand({ certificateId: device.certificateId, newStatus: 'INACTIVE' }),
  );
  expect(await publish('/topics/out/a?qos=1')).toMatchObject({ status: 403 });
  listener.end();
});

test('the credentials provider exchanges a certificate for credentials of a role', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const device = await newIdentity(
    iot,
    'device',
    policyText({
      Effect: 'Allow',
      Action: 'iot:AssumeRoleWithCertificate',
      Resource: arn('rolealias/alias'),
    }),
  );
  await iot.send(new CreateThingCommand({ thingName: 'one' }));
  await iot.send(new CreateThingCommand({ thingName: 'two' }));
  await iot.send(new AttachThingPrincipalCommand({ thingName: 'one', principal: device.certificateArn }));
  for (const roleAlias of ['alias', 'other']) {
    await iot.send(
      new CreateRoleAliasCommand({
        roleAlias,
        roleArn: 'arn:aws:iam::000000000000:role/exchange',
        credentialDurationSeconds: 900,
      }),
    );
  }
  const ask = (alias: string, thingName?: string) =>
    call(cloud, device, 'GET', `/role-aliases/${alias}/credentials`, {
      headers: thingName === undefined ? {} : { 'x-amzn-iot-thingname': thingName },
    });
  const before = Date.now();
  const { status, body } = await ask('alias', 'one');
  expect(status).toBe(200);
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = body.credentials as Record<
    string,
    string
  >;
  const left = Date.parse(expiration ?? '') - before;
  expect(Math.abs(left - 900_000)).toBeLessThan(60_000);
  expect(await ask('alias')).toMatchObject({ status: 200 });
  expect(await ask('alias', 'two')).toMatchObject({
    status: 404,
    body: { message: 'Invalid thing name passed' },
  });
  expect(await ask('other', 'one')).toMatchObject({ status: 403, body: { message: 'Access Denied' } });
  expect(await ask('none', 'one')).toMatchObject({ status: 404 });
  expect([accessKeyId, secretAccessKey, sessionToken].every((part) => part && part.length > 10)).toBe(true);
});

test('MQTT over WebSocket serves the account, and roles as far as their policies go', async () => {
  const decisions = new Set(['iot:Connect', 'iot:Subscribe']);
  const cloud = await iotCloud({
    roles: { decide: (_role, { action }) => (decisions.has(action) ? 'allowed' : 'implicitDeny') },
  });
  const options = { reconnectPeriod: 0, protocolVersion: 5 as const };
  const account = { accessKeyId: 'test', secretAccessKey: 'test' };
  const url = await presigned(cloud, account);
  const client = await mqtt.connectAsync(url, { ...options, clientId: 'ws' }, false);
  await client.subscribeAsync('a/b');
  const received = messages(client);
  await client.publishAsync('a/b', 'x', { qos: 1 });
  expect(await received.next()).toEqual({ topic: 'a/b', body: 'x' });
  client.end();

  const elsewhere = url.replace('/mqtt?', '/other?');
  await expect(mqtt.connectAsync(elsewhere, { ...options, clientId: 'x' }, false)).rejects.toThrow();
  const unsigned = `${cloud.endpointUrl.replace('http', 'ws')}/mqtt`;
  await expect(mqtt.connectAsync(unsigned, { ...options, clientId: 'x' }, false)).rejects.toThrow();

  const credentials = cloud.issuer.issue('exchange', 'session', 900);
  const asRole = await mqtt.connectAsync(
    await presigned(cloud, credentials),
    { ...options, clientId: 'role' },
    false,
  );
  await asRole.subscribeAsync('a/b');
  await expect(asRole.publishAsync('a/b', 'x', { qos: 1 })).rejects.toThrow();
  asRole.end();
  const forged = { ...credentials, secretAccessKey: 'guessed' };
  await expect(
    mqtt.connectAsync(await presigned(cloud, forged), { ...options, clientId: 'role' }, false),
  ).rejects.toThrow();
});

test('lifecycle events tell who comes and goes, and connectivity data agrees', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const identity = await newIdentity(iot, 'all', ALLOW_ALL);
  await iot.send(new CreateThingCommand({ thingName: 'one' }));
  const connectivity = () => iot.send(new GetThingConnectivityDataCommand({ thingName: 'one' }));
  expect(await connectivity()).toMatchObject({ connected: false, disconnectReason: 'NONE' });
  const watcher = await connect(cloud, identity, 'watcher');
  const events = messages(watcher);
  await watcher.subscribeAsync(['$aws/events/presence/+/one', '$aws/events/subscriptions/+/one']);
  const client = await connect(cloud, identity, 'one');
  const connected = await events.next();
  expect(connected).toEqual({
    topic: '$aws/events/presence/connected/one',
    body: {
      clientId: 'one',
      timestamp: expect.any(Number),
      eventType: 'connected',
      sessionIdentifier: expect.any(String),
      principalIdentifier: identity.certificateId,
      ipAddress: '127.0.0.1',
      versionNumber: 0,
    },
  });
  expect(await connectivity()).toMatchObject({ thingName: 'one', connected: true });
  await client.subscribeAsync('x/y');
  expect(await events.next()).toMatchObject({
    topic: '$aws/events/subscriptions/subscribed/one',
    body: { eventType: 'subscribed', topics: ['x/y'] },
  });
  await client.unsubscribeAsync('x/y');
  expect(await events.next()).toMatchObject({ body: { eventType: 'unsubscribed', topics: ['x/y'] } });
  await client.endAsync();
  expect(await events.next()).toMatchObject({
    topic: '$aws/events/presence/disconnected/one',
    body: {
      eventType: 'disconnected',
      clientInitiatedDisconnect: true,
      disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
      versionNumber: 0,
    },
  });
  expect(await connectivity()).toMatchObject({
    connected: false,
    disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
  });
  (await connect(cloud, identity, 'one')).end();
  expect(await events.next()).toMatchObject({ body: { eventType: 'connected', versionNumber: 1 } });
  expect(await events.next()).toMatchObject({ body: { eventType: 'disconnected', versionNumber: 1 } });
  const stranger = await newIdentity(iot, 'none', policyText({ Effect: 'Deny', Action: '*', Resource: '*' }));
  await expect(connect(cloud, stranger, 'one')).rejects.toThrow();
  expect(await events.next()).toMatchObject({
    topic: '$aws/events/presence/connect_failed/one',
    body: {
      eventType: 'connect_failed',
      connectFailureReason: 'AUTHORIZATION_FAILED',
      principalIdentifier: stranger.certificateId,
    },
  });
  watcher.end();
});
