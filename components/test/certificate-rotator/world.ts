import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { topics } from '@mooring/contracts';
import * as x509 from '@peculiar/x509';
import { CertificateStore, type KeyPair } from '../../certificate-rotator/src/certificate-store.js';
import { RotatorConfiguration } from '../../certificate-rotator/src/configuration.js';
import { identify as identifyAnew } from '../../certificate-rotator/src/issued-certificate.js';
import { RESTART_CORE, Rotator } from '../../certificate-rotator/src/rotator.js';
import { signingRequest } from '../../certificate-rotator/src/signing-request.js';
import type { TrialOutcome } from '../../certificate-rotator/src/trial.js';
import type { Bus, Message, Payload } from '../../runtime/src/bus.js';
import { ComponentError } from '../../runtime/src/errors.js';
import { CrashDisk, Gate } from '../support/crash-disk.js';
import { EagerClock } from '../support/eager-clock.js';

export const THING = 'SN-1';
/** PKCS #9. */
const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7';
const FOLDER = '';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const arnOf = (id: string) => `arn:aws:iot:eu-west-1:000000000000:cert/${id}`;

const ids = new Map<string, string>();

/** As often as it is asked for, found out once. */
function identify(certificate: string): string {
  const id = ids.get(certificate) ?? identifyAnew(certificate);
  ids.set(certificate, id);
  return id;
}

/** What becomes of the next messages on their way. */
export type Fault = 'lost' | 'twice' | 'late';

/** At once, so that a turn of the world leaves nothing under way. */
function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Who signs certificates; made once, for all worlds. */
export class Signer {
  #serial = 1;

  private constructor(private readonly keys: webcrypto.CryptoKeyPair) {}

  static async make(): Promise<Signer> {
    return new Signer(await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']));
  }

  async sign(publicKey: x509.PublicKeyType, days = 365): Promise<string> {
    this.#serial += 1;
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: this.#serial.toString(16).padStart(4, '0'),
        subject: `CN=${THING}`,
        issuer: 'CN=Cloud',
        notBefore: new Date(Date.now() - 86_400_000),
        notAfter: new Date(Date.now() + days * 86_400_000),
        publicKey,
        signingKey: this.keys.privateKey,
        signingAlgorithm: ALGORITHM,
      },
      webcrypto,
    );
    return certificate.toString('pem');
  }
}

/** The cloud as a device sees it: its certificates, and the two functions that a rotation needs. */
class Cloud {
  isUp = true;
  /** ids of ACTIVE certificates. */
  readonly active = new Set<string>();
  /** ids of those that are ACTIVE and may not connect. */
  readonly powerless = new Set<string>();
  /** Whether new certificates get no policy. */
  attachesNothing = false;
  /** Whether the next certificate that is acknowledged does not work from then on. */
  breaksWhenTold = false;
  readonly #issued = new Map<string, string>();
  completed = 0;
  asked = 0;

  constructor(private readonly signer: Signer) {}

  accepts(id: string): boolean {
    return this.active.has(id) && !this.powerless.has(id);
  }

  /** @returns what it answers to the device */
  async take(topic: string, message: Message, principal: string): Promise<[string, string] | undefined> {
    if (topic === topics.csrResponse(THING)) return this.#sign(String(message.csr), principal);
    const id = String(message.certificateArn).split('/').at(-1);
    if (id !== principal) return undefined;
    if (this.breaksWhenTold) {
      this.breaksWhenTold = false;
      this.powerless.add(id);
      return undefined;
    }
    this.active.clear();
    this.active.add(id);
    this.completed += 1;
    return [topics.certificateDone(THING), JSON.stringify({ certificateArn: arnOf(id) })];
  }

  async #sign(csr: string, principal: string): Promise<[string, string] | undefined> {
    const request = new x509.Pkcs10CertificateRequest(csr);
    const challenge = request.getAttribute(CHALLENGE_PASSWORD);
    if (!(await request.verify(webcrypto)) || request.subject !== `CN=${THING}`) throw new Error(csr);
    if (!(challenge instanceof x509.ChallengePasswordAttribute) || challenge.password !== principal) {
      return undefined;
    }
    this.asked += 1;
    const key = Buffer.from(request.publicKey.rawData).toString('hex');
    const pem = this.#issued.get(key) ?? (await this.signer.sign(request.publicKey));
    const id = identify(pem);
    if (!this.#issued.has(key)) {
      this.active.add(id);
      if (this.attachesNothing) this.powerless.add(id);
    }
    this.#issued.set(key, pem);
    const message = { certificateArn: arnOf(id), certificateId: id, certificatePem: pem };
    return [topics.certificate(THING), JSON.stringify(message)];
  }
}

/** A device with a rotator, and the cloud that it belongs to, in one process and without a network. */
export class World {
  readonly disk = new CrashDisk();
  readonly clock = new EagerClock();
  readonly log: string[] = [];
  readonly cloud: Cloud;
  /** How often the restart command fails before it works. */
  restartFailures = 0;
  readonly faults: Fault[] = [];
  /** The core device: which pair it has read when it started, and how often it has. */
  #core = { run: 0, certificateId: '' };
  #gate = new Gate();
  #handlers = new Map<string, (payload: Payload) => void>();
  readonly #spool: { readonly topic: string; readonly message: Message }[] = [];
  readonly #late: (() => void)[] = [];
  #delivering = Promise.resolve();
  #stop = new AbortController();
  violation: string | undefined;
  readonly #matched = new Map<string, string>();

  private constructor(
    readonly signer: Signer,
    private readonly random: () => number,
  ) {
    this.cloud = new Cloud(signer);
  }

  static async start(signer: Signer, random: () => number = () => 0.5): Promise<World> {
    const world = new World(signer, random);
    const privateKey = newPrivateKey();
    const request = new x509.Pkcs10CertificateRequest(signingRequest(privateKey, THING, 'none'));
    const certificate = await signer.sign(request.publicKey);
    world.cloud.active.add(identify(certificate));
    const files = world.disk.files(new Gate());
    await files.makeFolder(`${FOLDER}/1`);
    await files.write(`${FOLDER}/1/private.key`, privateKey);
    await files.write(`${FOLDER}/1/certificate.pem`, certificate);
    await files.link('1', `${FOLDER}/current`);
    for (const folder of [`${FOLDER}/1`, `${FOLDER}/`]) await files.flush(folder);
    world.startCore();
    return world;
  }

  /** The pair through the configured paths. */
  get pair(): KeyPair | undefined {
    const privateKey = this.disk.text(`${FOLDER}/current/private.key`);
    const certificate = this.disk.text(`${FOLDER}/current/certificate.pem`);
    return privateKey === undefined || certificate === undefined ? undefined : { privateKey, certificate };
  }

  /** The id of the certificate that the core device is connected with. */
  get connectedWith(): string {
    return this.#core.certificateId;
  }

  /** Whether the device is at rest with a single certificate, which the cloud has too. */
  get isSettled(): boolean {
    const id = this.pair && identify(this.pair.certificate);
    const names = this.disk.names();
    return (
      names.length === 2 &&
      id === this.connectedWith &&
      this.cloud.active.size === 1 &&
      this.cloud.active.has(id) &&
      this.disk.text(`${FOLDER}/current/issued.json`) === undefined
    );
  }

  /** The core device starts, reads its pair, and starts the component. */
  startCore(): void {
    const certificateId = this.pair ? identify(this.pair.certificate) : '';
    this.#core = { run: this.#core.run + 1, certificateId };
    this.startComponent();
  }

  /** Kills the component when it passes so many more points, or the whole device. */
  crashAfter(passages: number, isPowerCut: boolean): void {
    const gate = this.#gate;
    gate.closeAfter(passages);
    this.#onClosed = () => {
      if (isPowerCut) {
        this.#spool.length = 0;
        this.disk.cutPower((count) => Math.floor(this.random() * count));
        this.checkPair();
        this.startCore();
      } else {
        this.startComponent();
      }
    };
  }

  /** Told of each component that starts, before it does anything. */
  onStart: () => void = () => {};

  #onClosed = () => {};

  startComponent(): void {
    this.#gate.close();
    this.#stop.abort();
    const gate = new Gate();
    this.#gate = gate;
    this.#onClosed = () => {};
    this.#stop = new AbortController();
    const handlers = new Map<string, (payload: Payload) => void>();
    this.#handlers = handlers;
    const line = (text: string) => {
      if (!gate.closed) this.log.push(text);
    };
    const rotator = new Rotator(
      {
        thing: THING,
        bus: this.#bus(gate, handlers),
        clock: this.clock,
        log: { info: line, problem: line },
        env: {},
        stopping: this.#stop.signal,
        onStop: () => {},
        fail: (error) => {
          this.violation ??= String(error);
        },
        end: (code) => this.#ended(code),
      },
      {
        store: new CertificateStore(
          `${FOLDER}/`,
          this.disk.files(gate, () => this.checkPair()),
        ),
        configuration: RotatorConfiguration.parse({}),
        newPrivateKey: async () => newPrivateKey(),
        trial: async (pair) => {
          await gate.pass();
          const outcome = this.#try(pair);
          await gate.pass();
          return outcome;
        },
        core: async () => `run ${this.#core.run}`,
        now: () => Date.now() + this.clock.now(),
        random: this.random,
      },
    );
    this.onStart();
    void rotator.run();
  }

  /** The cloud asks for a rotation. */
  request(message: object = {}): void {
    if (this.cloud.isUp) this.fromCloud(topics.csrRequest(THING), JSON.stringify(message));
  }

  fromCloud(topic: string, payload: string): void {
    const deliver = () => this.#handlers.get(topic)?.(payload);
    const fault = this.faults.shift();
    if (fault === 'lost') return;
    if (fault === 'late') {
      this.#late.push(deliver);
      return;
    }
    deliver();
    if (fault === 'twice') deliver();
  }

  setUp(isUp: boolean): void {
    this.cloud.isUp = isUp;
    this.#deliver();
  }

  /** Lets everything go on that can, and time go to the next thing that is due. */
  async turn(): Promise<void> {
    for (let round = 0; round < 12; round++) await new Promise((resolve) => setImmediate(resolve));
    await this.#delivering;
    if (this.#gate.closed) this.#onClosed();
    this.clock.next();
  }

  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await this.turn();
  }

  /** Until something is so; at most so many turns. */
  async until(isSo: () => boolean, most = 2_000): Promise<void> {
    for (let turn = 0; turn < most; turn++) {
      if (isSo()) return;
      await this.turn();
    }
    throw new Error(`it did not come to that: ${this.log.slice(-12).join('\n')}; ${this.disk.names()}`);
  }

  deliverLate(): void {
    for (const deliver of this.#late.splice(0)) deliver();
  }

  checkPair(): void {
    const { pair } = this;
    if (!pair) this.violation ??= `no pair in place: ${this.disk.names()}`;
    else if (!this.#matches(pair)) {
      this.violation ??= 'a pair that does not match is in place';
    } else if (!this.cloud.active.has(identify(pair.certificate))) {
      this.violation ??= 'a pair is in place that the cloud does not know';
    }
  }

  /** Asked at every point, so found out once. */
  #matches({ certificate, privateKey }: KeyPair): boolean {
    if (this.#matched.get(certificate) === privateKey) return true;
    const matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
    if (matches) this.#matched.set(certificate, privateKey);
    return matches;
  }

  #try({ certificate }: KeyPair): TrialOutcome {
    if (!this.cloud.isUp) return { outcome: 'unreachable', reason: 'nobody there' };
    if (this.cloud.accepts(identify(certificate))) return { outcome: 'accepted' };
    return { outcome: 'refused', reason: 'closed' };
  }

  #ended(code: number): void {
    if (code !== RESTART_CORE) this.violation ??= `ended with ${code}`;
    if (this.restartFailures > 0) {
      this.restartFailures -= 1;
      this.startComponent();
    } else {
      this.startCore();
    }
  }

  #bus(gate: Gate, handlers: Map<string, (payload: Payload) => void>): Bus {
    const unused = async () => {
      throw new ComponentError('IPC', 'not used here');
    };
    return {
      lost: new Promise(() => {}),
      close: async () => {},
      configuration: unused,
      nucleusConfiguration: unused,
      publishLocal: unused,
      subscribeLocal: unused,
      publishToCloud: async (topic, message) => {
        await gate.pass();
        this.#spool.push({ topic, message });
        this.#deliver();
        await gate.pass();
      },
      subscribeToCloud: async (topic, handler) => {
        await gate.pass();
        handlers.set(topic, handler);
        return { ended: new Promise(() => {}) };
      },
    };
  }

  /** What the core device has for the cloud gets there, over the connection that it has now. */
  #deliver(): void {
    const { certificateId } = this.#core;
    if (!this.cloud.isUp || !this.cloud.accepts(certificateId)) return;
    for (const { topic, message } of this.#spool.splice(0)) {
      const fault = this.faults.shift();
      if (fault === 'lost') continue;
      const take = () => {
        this.#delivering = this.#delivering.then(async () => {
          if (!this.cloud.accepts(certificateId)) return;
          const answer = await this.cloud.take(topic, message, certificateId);
          if (answer) this.fromCloud(...answer);
        });
      };
      if (fault === 'late') this.#late.push(take);
      else take();
      if (fault === 'twice') take();
    }
  }
}
