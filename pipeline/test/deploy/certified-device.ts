// @peculiar/x509's dependency injection needs it to be there first.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  type IoTClient,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import {
  ChallengePasswordAttribute,
  Pkcs10CertificateRequestGenerator,
  X509CertificateGenerator,
} from '@peculiar/x509';
import mqtt, { type MqttClient } from 'mqtt';
import { atEnd } from '../../../local-cloud/test/support/at-end.js';
import type { RunningCloud } from './running-cloud.js';

const DAY = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** What a device connects with. */
export interface Identity {
  readonly certificateId: string;
  readonly certificateArn: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A key as a device makes it. */
export async function newKey(): Promise<{ keys: webcrypto.CryptoKeyPair; keyPem: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { keys, keyPem: String(key) };
}

/** The signing request for a key, as a device makes it. */
export async function signingRequest(
  keys: webcrypto.CryptoKeyPair,
  thing: string,
  current: Pick<Identity, 'certificateId'>,
): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [thing] }],
    keys,
    signingAlgorithm: ALGORITHM,
    attributes: [new ChallengePasswordAttribute(current.certificateId)],
  });
  return request.toString('pem');
}

/** A thing of the deployed fleet with an active certificate that ends in so many days. */
export async function joinFleet(iot: IoTClient, thingName: string, days: number): Promise<Identity> {
  await iot.send(new CreateThingCommand({ thingName }));
  await iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName: names.thingGroup }));
  const { keys, keyPem } = await newKey();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${thingName}`,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - 365 * DAY),
    notAfter: new Date(Date.now() + days * DAY),
  });
  const certificatePem = certificate.toString('pem');
  const { certificateId = '', certificateArn = '' } = await iot.send(
    new RegisterCertificateWithoutCACommand({ certificatePem, status: 'ACTIVE' }),
  );
  await iot.send(
    new AttachThingPrincipalCommand({
      thingName,
      principal: certificateArn,
      thingPrincipalType: 'EXCLUSIVE_THING',
    }),
  );
  await iot.send(new AttachPolicyCommand({ policyName: names.devicePolicy, target: certificateArn }));
  return { certificateId, certificateArn, certificatePem, keyPem };
}

/** A device's connection, with the messages that it gets. */
export class DeviceConnection {
  readonly client: MqttClient;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  readonly #messages = new Map<string, unknown[]>();
  #heard = () => {};

  private constructor(client: MqttClient) {
    this.client = client;
    this.closed = new Promise((resolve) => client.once('close', () => resolve()));
    client.on('message', (topic, payload) => {
      this.#messages.set(topic, [...(this.#messages.get(topic) ?? []), JSON.parse(payload.toString())]);
      this.#heard();
    });
  }

  static async open(cloud: RunningCloud, clientId: string, identity: Identity): Promise<DeviceConnection> {
    const client = await mqtt.connectAsync({
      protocol: 'mqtts',
      host: 'localhost',
      port: cloud.ports.mqtt,
      ca: cloud.rootCa,
      cert: identity.certificatePem,
      key: identity.keyPem,
      clientId,
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    atEnd(() => client.endAsync(true));
    return new DeviceConnection(client);
  }

  async subscribe(...topics: string[]): Promise<void> {
    await this.client.subscribeAsync(topics, { qos: 1 });
  }

  async publish(topic: string, message: object): Promise<void> {
    await this.client.publishAsync(topic, JSON.stringify(message), { qos: 1 });
  }

  /** The next message of a topic, past or future; each is given once. */
  async next(topic: string): Promise<unknown> {
    for (;;) {
      const [message, ...others] = this.#messages.get(topic) ?? [];
      if (message !== undefined) {
        this.#messages.set(topic, others);
        return message;
      }
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}
