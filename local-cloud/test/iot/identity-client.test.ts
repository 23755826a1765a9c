import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListThingGroupsForThingCommand,
  ListThingPrincipalsV2Command,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { iot as crtIot, iotidentity, mqtt as mqtt3, mqtt5 } from 'aws-iot-device-sdk-v2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type IotCloud, openIotCloud } from './cloud.js';
import { connect, type Identity, iotClient, newRequest, prepareFleet, rootCa } from './fleet.js';

let cloud: IotCloud;
let claim: Identity;
let ca: string;

beforeAll(async () => {
  cloud = await openIotCloud();
  claim = await prepareFleet(iotClient(cloud));
  ca = rootCa(cloud);
});

afterAll(() => cloud.close());

const options = {
  maxRequestResponseSubscriptions: 6,
  maxStreamingSubscriptions: 1,
  operationTimeoutInSeconds: 30,
};

interface Session {
  client: iotidentity.IotIdentityClientv2;
  end(): Promise<void>;
}

async function overMqtt5(clientId: string): Promise<Session> {
  const builder = crtIot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(
    'localhost',
    claim.cert,
    claim.key,
  );
  builder.withCertificateAuthority(ca).withPort(cloud.ports.mqtt);
  builder.withConnectProperties({ clientId, keepAliveIntervalSeconds: 60 });
  const connection = new mqtt5.Mqtt5Client(builder.build());
  const connected = new Promise((resolve) => connection.once('connectionSuccess', resolve));
  connection.start();
  await connected;
  const client = iotidentity.IotIdentityClientv2.newFromMqtt5(connection, options);
  return {
    client,
    async end() {
      client.close();
      const stopped = new Promise((resolve) => connection.once('stopped', resolve));
      connection.stop();
      await stopped;
      connection.close();
    },
  };
}

async function overMqtt3(clientId: string): Promise<Session> {
  const config = crtIot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(claim.cert, claim.key)
    .with_certificate_authority(ca)
    .with_client_id(clientId)
    .with_endpoint('localhost')
    .with_port(cloud.ports.mqtt)
    .build();
  const connection = new mqtt3.MqttClient().new_connection(config);
  await connection.connect();
  const client = iotidentity.IotIdentityClientv2.newFromMqtt311(connection, options);
  return {
    client,
    async end() {
      client.close();
      await connection.disconnect();
    },
  };
}

describe.each([
  ['MQTT 5', overMqtt5],
  ['MQTT 3.1.1', overMqtt3],
])('the vendor identity client over %s', (name, open) => {
  const serial = name.replace(/[^0-9]/g, '');

  test('provisions a device from a signing request, which then connects as its thing', async () => {
    const { csr, key } = await newRequest();
    const { client, end } = await open(`claim-${serial}`);
    const iot = iotClient(cloud);
    const made = await client.createCertificateFromCsr({ certificateSigningRequest: csr });
    const { certificateDescription } = await iot.send(
      new DescribeCertificateCommand({ certificateId: made.certificateId }),
    );
    expect(certificateDescription?.status).toBe('PENDING_ACTIVATION');
    const thingName = `device-${serial}`;
    const registered = await client.registerThing({
      templateName: 'fleet',
      certificateOwnershipToken: made.certificateOwnershipToken ?? '',
      parameters: { SerialNumber: thingName },
    });
    expect(registered.thingName).toBe(thingName);
    await end();

    await expect(iot.send(new DescribeThingCommand({ thingName }))).resolves.toMatchObject({ thingName });
    const { thingGroups } = await iot.send(new ListThingGroupsForThingCommand({ thingName }));
    expect(thingGroups?.map(({ groupName }) => groupName)).toEqual(['fleet']);
    const { thingPrincipalObjects } = await iot.send(new ListThingPrincipalsV2Command({ thingName }));
    expect(thingPrincipalObjects).toEqual([
      {
        principal: `arn:aws:iot:eu-central-1:000000000000:cert/${made.certificateId}`,
        thingPrincipalType: 'EXCLUSIVE_THING',
      },
    ]);

    const identity = { cert: made.certificatePem ?? '', key };
    for (const clientId of [thingName, `${thingName}#2`]) {
      const device = await connect(cloud, identity, clientId);
      await device.subscribeAsync(`device/${thingName}/x`);
      await device.endAsync();
    }
    await expect(connect(cloud, identity, 'somebody-else')).rejects.toThrow();
  });

  test('provisions a device with keys made in the cloud', async () => {
    const { client, end } = await open(`claim-keys-${serial}`);
    const made = await client.createKeysAndCertificate({});
    expect(made.privateKey).toContain('BEGIN RSA PRIVATE KEY');
    const thingName = `keys-${serial}`;
    await client.registerThing({
      templateName: 'fleet',
      certificateOwnershipToken: made.certificateOwnershipToken ?? '',
      parameters: { SerialNumber: thingName },
    });
    await end();
    const device = await connect(
      cloud,
      { cert: made.certificatePem ?? '', key: made.privateKey ?? '' },
      thingName,
    );
    await device.endAsync();
  });

  test('is told why a device is rejected', async () => {
    const { client, end } = await open(`claim-bad-${serial}`);
    const registration = { templateName: 'fleet', parameters: { SerialNumber: 'x' } };
    await expect(
      client.registerThing({ ...registration, certificateOwnershipToken: 'made-up' }),
    ).rejects.toMatchObject({
      modeledError: { statusCode: 400, errorCode: 'InvalidCertificateOwnershipToken' },
    });
    await expect(
      client.createCertificateFromCsr({ certificateSigningRequest: 'no csr' }),
    ).rejects.toMatchObject({
      modeledError: { statusCode: 400, errorCode: 'InvalidCertificateSigningRequest' },
    });
    const { certificateOwnershipToken = '' } = await client.createKeysAndCertificate({});
    await expect(
      client.registerThing({ templateName: 'fleet', certificateOwnershipToken, parameters: {} }),
    ).rejects.toMatchObject({ modeledError: { statusCode: 400, errorCode: 'InvalidParameters' } });
    await end();
  });
});

test('a claim certificate that was made inactive no longer connects', async () => {
  const iot = iotClient(cloud);
  await iot.send(new UpdateCertificateCommand({ certificateId: claim.certificateId, newStatus: 'INACTIVE' }));
  await expect(connect(cloud, claim, 'claim-late')).rejects.toThrow();
});
