import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreatePolicyVersionCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DeleteCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  UpdateCertificateCommand,
  UpdateThingCommand,
} from '@aws-sdk/client-iot';
import type { MqttClient } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { iotCloud } from './cloud.js';
import { ALLOW_ALL, connect, iotClient, messages, newIdentity, newRequest, policyText } from './fleet.js';

const arn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;
const allow = (Action: string | string[], ...resources: string[]) => ({
  Effect: 'Allow',
  Action,
  Resource: resources.map(arn),
});
const closed = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()));

describe.each([4, 5] as const)('over MQTT version %s', (protocolVersion) => {
  test('a client may do what its policies allow and nothing else', async () => {
    const cloud = await iotCloud();
    const iot = iotClient(cloud);
    const identity = await newIdentity(
      iot,
      'p',
      policyText(
        allow('iot:Connect', 'client/${iot:ClientId}'),
        { ...allow('iot:Connect', 'client/forbidden'), Effect: 'Deny' },
        allow('iot:Publish', 'topic/out/*', 'topic/kept'),
        allow('iot:RetainPublish', 'topic/kept'),
        allow('iot:Subscribe', 'topicfilter/in/#', 'topicfilter/mixed/+'),
        allow('iot:Receive', 'topic/in/*', 'topic/mixed/a'),
      ),
    );
    const sender = await newIdentity(iot, 'all', ALLOW_ALL);
    const other = await connect(cloud, sender, 'sender', { protocolVersion });
    await expect(connect(cloud, identity, 'forbidden', { protocolVersion })).rejects.toThrow();

    const client = await connect(cloud, identity, 'c', { protocolVersion });
    const received = messages(client);
    await client.subscribeAsync(['in/#', 'mixed/+']);
    await other.publishAsync('mixed/b', 'not for you', { qos: 1 });
    await other.publishAsync('mixed/a', 'for you', { qos: 1 });
    expect(await received.next()).toEqual({ topic: 'mixed/a', body: 'for you' });
    await client.publishAsync('out/x', 'yes', { qos: 1 });
    await client.publishAsync('kept', 'yes', { qos: 1, retain: true });
    await expect(client.subscribeAsync('elsewhere')).rejects.toThrow();

    const gone = closed(client);
    if (protocolVersion === 5) {
      await expect(client.publishAsync('out/x', 'no', { qos: 1, retain: true })).rejects.toThrow();
      await expect(client.publishAsync('elsewhere', 'no', { qos: 1 })).rejects.toThrow();
      client.end();
    } else {
      // MQTT 3 has no way to say no: AWS IoT closes the connection.
      client.publish('elsewhere', 'no', { qos: 1 });
    }
    await gone;
    client.end(true);
    other.end(true);
  });
});

test('thing variables need the thing whose name is the client id, unless it is attached exclusively', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const thing = '${iot:Connection.Thing.ThingName}';
  const identity = await newIdentity(
    iot,
    'p',
    policyText({
      ...allow('iot:Connect', `client/${thing}`, `client/${thing}#*`),
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
    }),
  );
  for (const thingName of ['one', 'two']) await iot.send(new CreateThingCommand({ thingName }));
  await expect(connect(cloud, identity, 'one')).rejects.toThrow();
  const attachment = { thingName: 'one', principal: identity.certificateArn };
  await iot.send(new AttachThingPrincipalCommand(attachment));
  (await connect(cloud, identity, 'one')).end();
  await expect(connect(cloud, identity, 'two')).rejects.toThrow();
  await expect(connect(cloud, identity, 'one#2')).rejects.toThrow();

  await iot.send(new AttachThingPrincipalCommand({ ...attachment, thingPrincipalType: 'EXCLUSIVE_THING' }));
  (await connect(cloud, identity, 'one')).end();
  (await connect(cloud, identity, 'one#2')).end();
  await expect(connect(cloud, identity, 'two')).rejects.toThrow();
  await expect(
    iot.send(new AttachThingPrincipalCommand({ ...attachment, thingName: 'two' })),
  ).rejects.toMatchObject({ name: 'InvalidRequestException' });
});

describe('what changes while a client is connected', () => {
  async function connected(statements: object[]) {
    const cloud = await iotCloud();
    const iot = iotClient(cloud);
    const identity = await newIdentity(iot, 'p', policyText(allow('iot:Connect', 'client/*'), ...statements));
    await iot.send(new CreateThingCommand({ thingName: 'one' }));
    await iot.send(new AttachThingPrincipalCommand({ thingName: 'one', principal: identity.certificateArn }));
    const client = await connect(cloud, identity, 'one');
    return { cloud, iot, identity, client, may: (topic: string) => mayPublish(client, topic) };
  }

  /** MQTT 5 tells in the acknowledgement whether a message was accepted. */
  async function mayPublish(client: MqttClient, topic: string): Promise<boolean> {
    return client.publishAsync(topic, 'x', { qos: 1 }).then(
      () => true,
      () => false,
    );
  }

  test('its policy', async () => {
    const { iot, client, may } = await connected([allow('iot:Publish', 'topic/a')]);
    expect([await may('a'), await may('b')]).toEqual([true, false]);
    const policyDocument = policyText(allow('iot:Publish', 'topic/b'));
    await iot.send(new CreatePolicyVersionCommand({ policyName: 'p', policyDocument, setAsDefault: true }));
    expect([await may('a'), await may('b')]).toEqual([false, true]);
    client.end();
  });

  test('the attachment of its policy', async () => {
    const { iot, identity, client, may } = await connected([allow('iot:Publish', 'topic/a')]);
    expect(await may('a')).toBe(true);
    const attachment = { policyName: 'p', target: identity.certificateArn };
    await iot.send(new DetachPolicyCommand(attachment));
    expect(await may('a')).toBe(false);
    await iot.send(new AttachPolicyCommand(attachment));
    expect(await may('a')).toBe(true);
    client.end();
  });

  test('its thing, and the groups of that', async () => {
    const variable = '${iot:Connection.Thing.Attributes[room]}';
    const { iot, identity, client, may } = await connected([allow('iot:Publish', `topic/room/${variable}`)]);
    expect(await may('room/1')).toBe(false);
    const attributes = { room: '1' };
    await iot.send(new UpdateThingCommand({ thingName: 'one', attributePayload: { attributes } }));
    expect(await may('room/1')).toBe(true);

    expect(await may('group')).toBe(false);
    await iot.send(new CreateThingGroupCommand({ thingGroupName: 'root' }));
    await iot.send(new CreateThingGroupCommand({ thingGroupName: 'leaf', parentGroupName: 'root' }));
    await newIdentity(iot, 'for-group', policyText(allow('iot:Publish', 'topic/group')));
    await iot.send(new AttachPolicyCommand({ policyName: 'for-group', target: arn('thinggroup/root') }));
    expect(await may('group')).toBe(false);
    await iot.send(new AddThingToThingGroupCommand({ thingName: 'one', thingGroupName: 'leaf' }));
    expect(await may('group')).toBe(true);

    await iot.send(new DetachThingPrincipalCommand({ thingName: 'one', principal: identity.certificateArn }));
    expect([await may('room/1'), await may('group')]).toEqual([false, false]);
    client.end();
  });

  test.each(['INACTIVE', 'REVOKED'] as const)(
    'its certificate becomes %s: it is disconnected',
    async (newStatus) => {
      const { cloud, iot, identity, client } = await connected([]);
      const gone = closed(client);
      const { certificateId } = identity;
      await iot.send(new UpdateCertificateCommand({ certificateId, newStatus }));
      await gone;
      await expect(connect(cloud, identity, 'one')).rejects.toThrow();
      await detachAll(iot, identity.certificateArn);
      await iot.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }));
      await expect(connect(cloud, identity, 'one')).rejects.toThrow();
    },
  );

  async function detachAll(iot: IoTClient, principal: string) {
    await iot.send(new DetachThingPrincipalCommand({ thingName: 'one', principal }));
  }
});

test('certificates that are unknown here, and clients without one, are not served', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const identity = await newIdentity(iot, 'all', ALLOW_ALL);
  const elsewhere = await iotCloud();
  const foreign = await newIdentity(iotClient(elsewhere), 'all', ALLOW_ALL);
  await expect(connect(cloud, foreign, 'x')).rejects.toThrow();
  const { key } = await newRequest();
  await expect(connect(cloud, { cert: identity.cert, key }, 'x')).rejects.toThrow();
  await expect(connect(cloud, { cert: '', key: '' }, 'x')).rejects.toThrow();
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const versions = { clean: true, minVersion: version, maxVersion: version };
    const client = await connect(cloud, identity, 'x', versions);
    client.end();
  }
  const withAlpn = await connect(cloud, identity, 'x', { ALPNProtocols: ['x-amzn-mqtt-ca'] });
  withAlpn.end();
});
