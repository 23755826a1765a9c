// @peculiar/x509's dependency injection needs it to be there first.
import 'reflect-metadata';
import { randomUUID, webcrypto } from 'node:crypto';
import {
  DescribeThingCommand,
  ListCertificatesCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot';
import { names, provisioningParameters } from '@mooring/contracts';
import { fetchImageFiles, type ImageFiles } from '@mooring/pipeline';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import mqtt, { type MqttClient } from 'mqtt';
import { NotSeen, type Step, see } from '../step.js';
import type { World } from '../world.js';

export const unauthorisedDevice: Step = {
  step: 15,
  name: 'unauthorised device',
  expected: 'its provisioning is refused by the hook; its certificate stays pending activation, never usable',
  needs: [1, 2],
  async play(world) {
    const thing = world.serials.unlisted;
    await world.allow(...world.devices.keys());
    const image = await fetchImageFiles(await world.target(), await world.account());
    const pendingBefore = await pendingCertificates(world);

    const refusal = await world.boot(thing).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    see(refusal !== undefined, `the device ${thing} was let in`);
    const pending = (await pendingCertificates(world)).filter((id) => !pendingBefore.includes(id));
    see(pending.length === 1, `${pending.length} new certificates are PENDING_ACTIVATION`);
    const { iot } = await world.clients();
    const exists = await iot.send(new DescribeThingCommand({ thingName: thing })).then(
      () => true,
      (error: unknown) => !(error instanceof ResourceNotFoundException),
    );
    see(!exists, `the thing ${thing} exists`);

    const rejection = await connectWithPendingCertificate(image, thing);
    return `refused (${refusal}); certificate ${pending[0]?.slice(0, 8)}… stays PENDING_ACTIVATION, no thing; a connection with such a certificate: ${rejection}`;
  },
};

async function pendingCertificates(world: World): Promise<string[]> {
  const { iot } = await world.clients();
  const { certificates = [] } = await iot.send(new ListCertificatesCommand({ pageSize: 250 }));
  return certificates
    .filter(({ status }) => status === 'PENDING_ACTIVATION')
    .map(({ certificateId }) => certificateId ?? '');
}

/**
 * Goes through the fleet provisioning API by hand, as an intruder with a claim certificate would, and tries to
 * connect with the certificate that was not registered.
 *
 * @returns how the connection was refused.
 */
async function connectWithPendingCertificate(image: ImageFiles, thing: string): Promise<string> {
  const claim = await connect(image, image.claimCertificate, image.claimPrivateKey, `claim-${randomUUID()}`);
  let certificatePem: string;
  let privateKey: string;
  try {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const csr = await Pkcs10CertificateRequestGenerator.create({
      name: `CN=${thing}`,
      keys,
      signingAlgorithm: algorithm,
    });
    const created = await call(claim, '$aws/certificates/create-from-csr/json', {
      certificateSigningRequest: csr.toString('pem'),
    });
    see(created.accepted, `create-from-csr was rejected: ${JSON.stringify(created.payload)}`);
    certificatePem = String(created.payload.certificatePem);
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    privateKey = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
    const registered = await call(
      claim,
      `$aws/provisioning-templates/${names.provisioningTemplate}/provision/json`,
      {
        certificateOwnershipToken: created.payload.certificateOwnershipToken,
        parameters: { [provisioningParameters.serialNumber]: thing },
      },
    );
    see(!registered.accepted, `RegisterThing was accepted for ${thing}`);
  } finally {
    await claim.endAsync();
  }
  const refused = await connect(image, certificatePem, privateKey, thing).then(
    async (client) => {
      await client.endAsync();
      return undefined;
    },
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (refused === undefined) throw new NotSeen('the unregistered certificate could connect');
  return refused;
}

/** @throws when the connection is refused. */
async function connect(image: ImageFiles, cert: string, key: string, clientId: string): Promise<MqttClient> {
  const [host = 'localhost', port = '8883'] = image.config.iotDataEndpoint.split(':');
  const options = { ca: image.rootCa, cert, key, clientId, reconnectPeriod: 0, connectTimeout: 10_000 };
  return mqtt.connectAsync(`mqtts://${host}:${port}`, options, false);
}

/** One call of the fleet provisioning MQTT API. */
async function call(
  client: MqttClient,
  topic: string,
  request: object,
): Promise<{ accepted: boolean; payload: Record<string, unknown> }> {
  await client.subscribeAsync([`${topic}/accepted`, `${topic}/rejected`], { qos: 1 });
  const answer = new Promise<{ accepted: boolean; payload: Record<string, unknown> }>((resolve) => {
    const onMessage = (from: string, payload: Buffer) => {
      if (!from.startsWith(`${topic}/`)) return;
      client.off('message', onMessage);
      resolve({ accepted: from.endsWith('/accepted'), payload: JSON.parse(payload.toString('utf8')) });
    };
    client.on('message', onMessage);
  });
  await client.publishAsync(topic, JSON.stringify(request), { qos: 1 });
  return answer;
}
