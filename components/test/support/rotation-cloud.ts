import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { CertificateAckMessage, CsrMessage, parseMessage, topics } from '@mooring/contracts';
import * as x509 from '@peculiar/x509';
import mqtt, { type MqttClient } from 'mqtt';
import { type LocalCloud, type Ports, startLocalCloud } from '../../../local-cloud/dist/local-cloud.js';
import { signingRequest } from '../../certificate-rotator/src/signing-request.js';

const ACCOUNT = '000000000000';
const REGION = 'eu-central-1';
const DEVICE_POLICY = 'device';
const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7';

/** The thing of the certificate that a connection was made with. */
const THING_NAME = '${iot:Connection.Thing.ThingName}';

/** A key and the certificate that the cloud issued for it. */
export interface Identity {
  readonly privateKey: string;
  readonly certificate: string;
  readonly certificateId: string;
}

/** What the stand-in does before it answers; it answers nothing when this says so. */
export interface Behaviour {
  /** A signing request came. */
  onSigningRequest: () => Promise<'answer' | 'silence'> | 'answer' | 'silence';
  /** An acknowledgement came. */
  onAcknowledged: () => Promise<'answer' | 'silence'> | 'answer' | 'silence';
  /** The certificates of before are gone, which the device is not told yet. */
  onRetired: () => Promise<'answer' | 'silence'> | 'answer' | 'silence';
  /** Whether new certificates get the policy that lets them connect. */
  attachesPolicy: boolean;
  /** How often each message to a device is sent. */
  copies: number;
}

/**
 * A local cloud that can be gone for a while, with a stand-in for the two functions that a rotation needs: it hears
 * what devices publish, and issues and retires certificates by the control plane.
 */
export class RotationCloud {
  readonly behaviour: Behaviour = {
    onSigningRequest: () => 'answer',
    onAcknowledged: () => 'answer',
    onRetired: () => 'answer',
    attachesPolicy: true,
    copies: 1,
  };
  /** What devices published, oldest first. */
  readonly heard: { readonly topic: string; readonly payload: string }[] = [];
  readonly failures: unknown[] = [];
  /** Told of all that is published to devices. */
  onPublish: (topic: string, message: object) => void = () => {};
  ports: Partial<Ports> = { http: 0, mqtt: 0, https: 0 };
  rootCa = '';
  #cloud: LocalCloud | undefined;
  #iot: IoTClient | undefined;
  #operator: MqttClient | undefined;
  /** The certificate of each client's connection. */
  readonly #principals = new Map<string, string>();
  /** Certificates by the key that they were asked for. */
  readonly #issued = new Map<string, { arn: string; id: string; pem: string }>();

  private constructor(private readonly folder: string) {}

  static async start(): Promise<RotationCloud> {
    const cloud = new RotationCloud(await mkdtemp(join(tmpdir(), 'mooring-rotation-')));
    await cloud.up();
    cloud.rootCa = await (await fetch(new URL('/_local/root-ca.pem', cloud.#running.endpointUrl))).text();
    await cloud.#allow(DEVICE_POLICY, [
      { action: 'iot:Connect', resource: `arn:aws:iot:${REGION}:${ACCOUNT}:client/${THING_NAME}*` },
      ...['iot:Publish', 'iot:Subscribe', 'iot:Receive', 'greengrass:*'].map((action) => ({
        action,
        resource: '*',
      })),
    ]);
    await cloud.#allow('operator', [{ action: 'iot:*', resource: '*' }]);
    await cloud.#operate();
    return cloud;
  }

  /** The cloud is there again, as it was. */
  async up(): Promise<void> {
    this.#cloud = await startLocalCloud({
      stateDirectory: join(this.folder, 'state'),
      accountId: ACCOUNT,
      region: REGION,
      ports: this.ports,
    });
    this.ports = this.#cloud.ports;
    this.#iot ??= new IoTClient({
      endpoint: this.#cloud.endpointUrl,
      region: REGION,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  }

  /** The cloud is gone. */
  async down(): Promise<void> {
    await this.#cloud?.close();
    this.#cloud = undefined;
  }

  async remove(): Promise<void> {
    this.#operator?.end(true);
    this.#iot?.destroy();
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes a thing with a certificate. */
  async newThing(thingName: string): Promise<Identity> {
    await this.#control.send(new CreateThingCommand({ thingName }));
    const identity = await this.#issue();
    await this.#attach(thingName, arnOf(identity.certificateId), true);
    return identity;
  }

  publish(topic: string, message: object): void {
    this.onPublish(topic, message);
    for (let copy = 0; copy < this.behaviour.copies; copy++) {
      this.#operator?.publish(topic, JSON.stringify(message), { qos: 1 });
    }
  }

  /** The ids of a thing's certificates, each of them ACTIVE. */
  async activeCertificates(thingName: string): Promise<string[]> {
    const { principals = [] } = await this.#control.send(new ListThingPrincipalsCommand({ thingName }));
    const ids = principals.map(idOf);
    for (const certificateId of ids) {
      const { certificateDescription } = await this.#control.send(
        new DescribeCertificateCommand({ certificateId }),
      );
      if (certificateDescription?.status !== 'ACTIVE') throw new Error(`${certificateId} is not ACTIVE`);
    }
    return ids;
  }

  /** The certificate that a thing's core is connected with. */
  connectedWith(thingName: string): string | undefined {
    return this.#principals.get(thingName);
  }

  get #running(): LocalCloud {
    if (!this.#cloud) throw new Error('the cloud is down');
    return this.#cloud;
  }

  get #control(): IoTClient {
    if (!this.#iot) throw new Error('the cloud was never up');
    return this.#iot;
  }

  async #allow(policyName: string, allowed: { action: string; resource: string }[]): Promise<void> {
    const Statement = allowed.map(({ action, resource }) => ({
      Effect: 'Allow',
      Action: action,
      Resource: resource,
    }));
    const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await this.#control.send(new CreatePolicyCommand({ policyName, policyDocument }));
  }

  async #issue(): Promise<Identity> {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const issued = await this.#control.send(
      new CreateCertificateFromCsrCommand({
        certificateSigningRequest: signingRequest(privateKey, 'T', 'none'),
        setAsActive: true,
      }),
    );
    const { certificateId = '', certificatePem: certificate = '' } = issued;
    return { privateKey, certificate, certificateId };
  }

  async #attach(thingName: string, principal: string, withPolicy: boolean): Promise<void> {
    if (withPolicy) {
      await this.#control.send(new AttachPolicyCommand({ policyName: DEVICE_POLICY, target: principal }));
    }
    await this.#control.send(
      new AttachThingPrincipalCommand({ thingName, principal, thingPrincipalType: 'EXCLUSIVE_THING' }),
    );
  }

  /** Hears all devices, with a certificate that may do everything. */
  async #operate(): Promise<void> {
    const { privateKey, certificate, certificateId } = await this.#issue();
    await this.#control.send(
      new AttachPolicyCommand({ policyName: 'operator', target: arnOf(certificateId) }),
    );
    const client = mqtt.connect({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port: this.ports.mqtt ?? 0,
      clientId: 'operator',
      clean: false,
      ca: this.rootCa,
      cert: certificate,
      key: privateKey,
      reconnectPeriod: 50,
    });
    client.on('error', () => {});
    this.#operator = client;
    let work = Promise.resolve();
    client.on('message', (topic, payload) => {
      work = work.then(() => this.#take(topic, payload)).catch((error) => void this.failures.push(error));
    });
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    await client.subscribeAsync(
      ['$aws/events/presence/connected/+', topics.csrResponse('T'), topics.certificateAck('T')].map((topic) =>
        topic.replace('/T/', '/+/'),
      ),
      { qos: 1 },
    );
  }

  async #take(topic: string, payload: Uint8Array): Promise<void> {
    const text = new TextDecoder().decode(payload);
    const [first, thing = '', what] = topic.split('/');
    if (first === '$aws') {
      const { clientId, principalIdentifier } = JSON.parse(text) as Record<string, string>;
      this.#principals.set(String(clientId), String(principalIdentifier));
      return;
    }
    this.heard.push({ topic, payload: text });
    if (what === 'csr_res') await this.#sign(thing, text);
    else await this.#retire(thing, text);
  }

  async #sign(thing: string, payload: string): Promise<void> {
    if ((await this.behaviour.onSigningRequest()) === 'silence') return;
    const message = parseMessage(CsrMessage, payload);
    if (!message.ok) throw new Error(message.problem);
    const request = new x509.Pkcs10CertificateRequest(message.value.csr);
    const challenge = request.getAttribute(CHALLENGE_PASSWORD);
    const principal = this.#principals.get(thing);
    if (!(challenge instanceof x509.ChallengePasswordAttribute) || challenge.password !== principal) {
      throw new Error(`a request of ${thing} is not of the certificate ${principal} in use`);
    }
    const key = Buffer.from(request.publicKey.rawData).toString('hex');
    const certificate = this.#issued.get(key) ?? (await this.#certify(thing, message.value.csr));
    this.#issued.set(key, certificate);
    this.publish(topics.certificate(thing), {
      certificateArn: certificate.arn,
      certificateId: certificate.id,
      certificatePem: certificate.pem,
    });
  }

  async #certify(thing: string, csr: string) {
    const issued = await this.#control.send(
      new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
    );
    const { certificateArn: arn = '', certificateId: id = '', certificatePem: pem = '' } = issued;
    await this.#attach(thing, arn, this.behaviour.attachesPolicy);
    return { arn, id, pem };
  }

  async #retire(thing: string, payload: string): Promise<void> {
    const message = parseMessage(CertificateAckMessage, payload);
    if (!message.ok) throw new Error(message.problem);
    const { certificateArn } = message.value;
    if (idOf(certificateArn) !== this.#principals.get(thing)) return;
    if ((await this.behaviour.onAcknowledged()) === 'silence') return;
    const { principals = [] } = await this.#control.send(
      new ListThingPrincipalsCommand({ thingName: thing }),
    );
    for (const principal of principals.filter((other) => other !== certificateArn)) {
      const certificateId = idOf(principal);
      await this.#control.send(new DetachPolicyCommand({ policyName: DEVICE_POLICY, target: principal }));
      await this.#control.send(new DetachThingPrincipalCommand({ thingName: thing, principal }));
      await this.#control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' }));
      await this.#control.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }));
    }
    if ((await this.behaviour.onRetired()) === 'silence') return;
    this.publish(topics.certificateDone(thing), { certificateArn });
  }
}

/** The id of a certificate in PEM. */
export function certificateId(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

function arnOf(id: string): string {
  return `arn:aws:iot:${REGION}:${ACCOUNT}:cert/${id}`;
}
