// @peculiar/x509's dependency injection needs it to be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  IoTClient,
} from '@aws-sdk/client-iot';
import {
  CertificateAckMessage,
  CertificateMessage,
  CsrRequestMessage,
  names,
  topics,
} from '@mooring/contracts';
import { inParallel } from '@mooring/functions/in-parallel';
import { ChallengePasswordAttribute, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import mqtt, { type MqttClient } from 'mqtt';
import { clientConfig, type Target } from '../../src/target.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Devices set up, or connected, at a time. */
const AT_ONCE = 16;
/** Milliseconds before a message that was not answered is sent again; doubled each time. */
const PATIENCE = 20_000;

/** A private key in PEM and its certificate. */
interface Pair {
  readonly key: string;
  readonly certificatePem: string;
  readonly certificateId: string;
}

/** Where devices connect. */
interface Gateway {
  readonly port: number;
  readonly rootCa: string;
}

/** What happened in a fleet, each with the time in milliseconds of a clock that only goes forward. */
export interface FleetLog {
  readonly event: 'asked' | 'csr' | 'csr again' | 'certificate' | 'ack again' | 'done';
  readonly thing: string;
  readonly at: number;
  /** Of `asked`: the seconds over which the devices were told to spread themselves. */
  readonly withinSeconds?: number;
}

/**
 * Devices as a rotation sees them, without anything else of a core device: each speaks MQTT over mutual TLS, and
 * rotates its certificate as the contracts have it. A thousand of them fit in one process.
 */
export class RotatingFleet {
  readonly log: FleetLog[] = [];
  readonly #devices: RotatingDevice[] = [];

  /** Registers things with certificates of the cloud's, and connects them. */
  static async join(
    target: Target,
    gateway: Gateway,
    things: readonly string[],
    /** Which part of the seconds that it may take a device waits, from 0 to 1. */
    chance: (thing: string) => number,
  ): Promise<RotatingFleet> {
    const fleet = new RotatingFleet();
    const iot = new IoTClient(clientConfig(target));
    try {
      await inParallel(things, AT_ONCE, async (thing) => {
        const pair = await register(iot, thing);
        const note: Note = (event, more) => fleet.log.push({ event, thing, at: performance.now(), ...more });
        const device = new RotatingDevice(thing, gateway, pair, note, chance);
        fleet.#devices.push(device);
        await device.connect();
      });
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    } finally {
      iot.destroy();
    }
  }

  /** The certificates that the devices are connected with, by thing. */
  get certificates(): Map<string, string> {
    return new Map(this.#devices.map(({ thing, pair }) => [thing, pair.certificateId]));
  }

  /** Devices that are connected. */
  get connected(): number {
    return this.#devices.filter((device) => device.isConnected).length;
  }

  /** Seconds that each device took from one event to another. */
  between(from: FleetLog['event'], to: FleetLog['event']): Map<string, number> {
    const begun = new Map<string, number>();
    const took = new Map<string, number>();
    for (const { event, thing, at } of this.log) {
      if (event === from) begun.set(thing, at);
      if (event === to) took.set(thing, (at - (begun.get(thing) ?? at)) / 1000);
    }
    return took;
  }

  /** How often something happened in the busiest second. */
  busiestSecond(event: FleetLog['event']): number {
    const times = this.log.filter((one) => one.event === event).map(({ at }) => at);
    return Math.max(
      0,
      ...times.map((begin) => times.filter((at) => at >= begin && at < begin + 1000).length),
    );
  }

  async close(): Promise<void> {
    await inParallel(this.#devices, AT_ONCE, (device) => device.close());
  }
}

async function register(iot: IoTClient, thingName: string): Promise<Pair> {
  const { key, csr } = await makeRequest(thingName);
  await iot.send(new CreateThingCommand({ thingName }));
  const { certificateArn: target, ...made } = await iot.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
  );
  await iot.send(new AttachPolicyCommand({ policyName: names.devicePolicy, target }));
  const thingPrincipalType = 'EXCLUSIVE_THING';
  await iot.send(new AttachThingPrincipalCommand({ thingName, principal: target, thingPrincipalType }));
  await iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName: names.thingGroup }));
  return { key, certificatePem: made.certificatePem ?? '', certificateId: made.certificateId ?? '' };
}

/** @param replaces id of the certificate that the new one is to replace. */
async function makeRequest(thing: string, replaces?: string): Promise<{ key: string; csr: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${thing}`,
    keys,
    signingAlgorithm: ALGORITHM,
    attributes: replaces === undefined ? [] : [new ChallengePasswordAttribute(replaces)],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    csr: request.toString('pem'),
  };
}

type Note = (event: FleetLog['event'], more?: Pick<FleetLog, 'withinSeconds'>) => void;

class RotatingDevice {
  #client: MqttClient | undefined;
  /** The key that a certificate was asked for. */
  #key: string | undefined;
  #waiting: NodeJS.Timeout | undefined;

  constructor(
    readonly thing: string,
    private readonly gateway: Gateway,
    public pair: Pair,
    private readonly note: Note,
    private readonly chance: (thing: string) => number,
  ) {}

  get isConnected(): boolean {
    return this.#client?.connected === true;
  }

  /** Connects with the pair that it has. */
  async connect(): Promise<void> {
    const client = await this.#dial(this.thing, this.pair);
    this.#client = client;
    const { thing } = this;
    client.on('message', (topic, payload) => {
      const message: unknown = JSON.parse(payload.toString('utf8'));
      if (topic === topics.csrRequest(thing)) this.#onAsked(CsrRequestMessage.parse(message));
      if (topic === topics.certificate(thing)) void this.#onCertificate(CertificateMessage.parse(message));
      if (topic === topics.certificateDone(thing)) this.#onDone(CertificateAckMessage.parse(message));
    });
    const wanted = [topics.csrRequest(thing), topics.certificate(thing), topics.certificateDone(thing)];
    await client.subscribeAsync(wanted, { qos: 1 });
  }

  async close(): Promise<void> {
    clearTimeout(this.#waiting);
    await this.#client?.endAsync(true);
  }

  #dial(clientId: string, { key, certificatePem }: Pair): Promise<MqttClient> {
    const { port, rootCa } = this.gateway;
    const options = { clientId, key, cert: certificatePem, ca: rootCa, reconnectPeriod: 0 };
    return mqtt.connectAsync(`mqtts://localhost:${port}`, options, false);
  }

  #onAsked({ withinSeconds = 0 }: CsrRequestMessage): void {
    if (this.#key !== undefined || this.#waiting !== undefined) return;
    this.note('asked', { withinSeconds });
    this.#waiting = setTimeout(() => void this.#request(), this.chance(this.thing) * withinSeconds * 1000);
  }

  async #request(): Promise<void> {
    const { key, csr } = await makeRequest(this.thing, this.pair.certificateId);
    this.#key = key;
    this.note('csr');
    this.#insist(topics.csrResponse(this.thing), { csr }, 'csr again');
  }

  async #onCertificate({ certificateId, certificatePem }: CertificateMessage): Promise<void> {
    const key = this.#key;
    if (key === undefined) return;
    this.#key = undefined;
    clearTimeout(this.#waiting);
    this.note('certificate');
    const pair = { key, certificatePem, certificateId };
    const trial = await this.#dial(`${this.thing}#trial`, pair);
    await trial.endAsync();
    await this.#client?.endAsync();
    this.pair = pair;
    await this.connect();
    this.#acknowledge();
  }

  #acknowledge(): void {
    const certificateArn = `arn:aws:iot:eu-central-1:000000000000:cert/${this.pair.certificateId}`;
    this.#insist(topics.certificateAck(this.thing), { certificateArn }, 'ack again');
  }

  #onDone({ certificateArn }: CertificateAckMessage): void {
    if (!certificateArn.endsWith(this.pair.certificateId) || this.#waiting === undefined) return;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.note('done');
  }

  /** Publishes a message again and again until it is answered. */
  #insist(topic: string, message: object, again: FleetLog['event'], patience = PATIENCE): void {
    this.#client?.publish(topic, JSON.stringify(message), { qos: 1 });
    this.#waiting = setTimeout(() => {
      this.note(again);
      this.#insist(topic, message, again, patience * 2);
    }, patience);
  }
}
