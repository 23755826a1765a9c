import { once } from 'node:events';
import { iot as crtIot, iotshadow, mqtt as mqtt3, mqtt5 } from 'aws-iot-device-sdk-v2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IotCloud, openIotCloud } from '../cloud.js';
import { ALLOW_ALL, type Identity, iotClient, newIdentity, rootCa } from '../fleet.js';

let cloud: IotCloud;
let identity: Identity;

beforeAll(async () => {
  cloud = await openIotCloud();
  identity = await newIdentity(iotClient(cloud), 'all', ALLOW_ALL);
});
afterAll(() => cloud.close());

async function connectMqtt3(clientId: string): Promise<mqtt3.MqttClientConnection> {
  const config = crtIot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(identity.cert, identity.key)
    .with_certificate_authority(rootCa(cloud))
    .with_client_id(clientId)
    .with_endpoint('localhost')
    .with_port(cloud.ports.mqtt)
    .build();
  const connection = new mqtt3.MqttClient().new_connection(config);
  await connection.connect();
  return connection;
}

test('the vendor’s first shadow client reads, updates and hears of differences', async () => {
  const connection = await connectMqtt3('v1');
  const client = new iotshadow.IotShadowClient(connection);
  const atLeastOnce = mqtt3.QoS.AtLeastOnce;
  const thing = { thingName: 'v1', shadowName: 'work' };
  const rejected = new Promise<iotshadow.model.ErrorResponse | undefined>((resolve) => {
    void client.subscribeToGetNamedShadowRejected(thing, atLeastOnce, (_error, response) =>
      resolve(response),
    );
  });
  const accepted = new Promise<iotshadow.model.UpdateShadowResponse | undefined>((resolve) => {
    void client.subscribeToUpdateNamedShadowAccepted(thing, atLeastOnce, (_error, response) =>
      resolve(response),
    );
  });
  const delta = new Promise<iotshadow.model.ShadowDeltaUpdatedEvent | undefined>((resolve) => {
    void client.subscribeToNamedShadowDeltaUpdatedEvents(thing, atLeastOnce, (_error, event) =>
      resolve(event),
    );
  });
  await client.subscribeToNamedShadowUpdatedEvents(thing, atLeastOnce, () => {});
  await client.publishGetNamedShadow({ ...thing, clientToken: 'one' }, atLeastOnce);
  expect(await rejected).toMatchObject({ code: 404, clientToken: 'one' });
  const state = { desired: { color: 'green' }, reported: { color: 'red' } };
  await client.publishUpdateNamedShadow({ ...thing, state, clientToken: 'two' }, atLeastOnce);
  expect(await accepted).toMatchObject({ state, version: 1, clientToken: 'two' });
  expect(await delta).toMatchObject({ state: { color: 'green' }, version: 1 });
  await connection.disconnect();
});

test('the vendor’s request and response client gets answers, modelled errors and streams', async () => {
  const builder = crtIot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(
    'localhost',
    identity.cert,
    identity.key,
  );
  builder.withCertificateAuthority(rootCa(cloud)).withPort(cloud.ports.mqtt);
  builder.withConnectProperties({ clientId: 'v2', keepAliveIntervalSeconds: 60 });
  const connection = new mqtt5.Mqtt5Client(builder.build());
  const connected = once(connection, 'connectionSuccess');
  connection.start();
  await connected;
  const client = iotshadow.IotShadowClientv2.newFromMqtt5(connection, {
    maxRequestResponseSubscriptions: 6,
    maxStreamingSubscriptions: 2,
    operationTimeoutInSeconds: 30,
  });
  await expect(client.getShadow({ thingName: 'v2' })).rejects.toMatchObject({
    modeledError: { code: 404, message: "No shadow exists with name: 'v2'" },
  });
  const deltas = client.createShadowDeltaUpdatedStream({ thingName: 'v2' });
  const subscribed = once(deltas, 'subscriptionStatus');
  deltas.open();
  await subscribed;
  const delta = once(deltas, 'incomingPublish');
  const updated = await client.updateShadow({ thingName: 'v2', state: { desired: { hz: 2 } } });
  expect(updated).toMatchObject({ version: 1, state: { desired: { hz: 2 } } });
  const [event] = await delta;
  expect(event).toMatchObject({ message: { state: { hz: 2 }, version: 1 } });
  expect(await client.getShadow({ thingName: 'v2' })).toMatchObject({
    state: { desired: { hz: 2 }, delta: { hz: 2 } },
  });
  await client.updateNamedShadow({ thingName: 'v2', shadowName: 'n', state: { reported: { a: 1 } } });
  expect(await client.getNamedShadow({ thingName: 'v2', shadowName: 'n' })).toMatchObject({ version: 1 });
  expect(await client.deleteShadow({ thingName: 'v2' })).toMatchObject({ version: 1 });
  client.close();
  const stopped = once(connection, 'stopped');
  connection.stop();
  await stopped;
  connection.close();
});
