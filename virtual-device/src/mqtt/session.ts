import { readFileSync } from 'node:fs';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { backoff, type Clock, pause } from '../clock.js';
import type { Endpoint } from '../config/endpoint.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Qos } from '../ipc/capabilities.js';
import { describeCertificate, type KeyPair, readKeyPair } from '../key-pair.js';
import type { Log } from '../log/device-log.js';
import { MqttOpenError, type MqttOpenFailure, openMqtt } from './open.js';

/** How to reach AWS IoT Core, for every session of a device. */
export interface SessionOptions {
  readonly endpoint: Endpoint;
  /** Read anew for each attempt, so that a changed certificate is used at the next connection. */
  readonly rootCaPath: string;
  readonly certificatePath: string;
  readonly privateKeyPath: string;
  readonly version: 'mqtt5' | 'mqtt3';
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
  /** Milliseconds between attempts: the first wait, and the longest. */
  readonly reconnectDelay?: { readonly first: number; readonly longest: number };
  readonly clock: Clock;
  readonly log: Log;
}

export type ConnectionState = 'connecting' | 'connected' | 'disconnected' | 'closed';

/** What a session tells its device. */
export interface SessionOwner {
  /** @param detail says why, for people */
  stateChanged(state: ConnectionState, detail: string): void;
  received(packet: IPublishPacket): void;
}

const DEFAULT_RECONNECT_DELAY = { first: 500, longest: 60_000 };
const CONNECT_TIMEOUT = 30_000;
/** A connection that stood this long was a good one: the next wait is the first again. */
const GOOD_AFTER = 20_000;
/** One that did not, yet was accepted, is not waited for longer than after this many attempts. */
const MOST_BAD_ATTEMPTS = 3;

/**
 * One MQTT session with AWS IoT Core under a client id of its own: mutual TLS with the device's
 * certificate, a persistent session, reconnection with backoff and jitter, and its subscriptions.
 */
export class MqttSession {
  #client: MqttClient | undefined;
  #state: ConnectionState = 'connecting';
  #running: Promise<void> | undefined;
  readonly #stop = new AbortController();
  /** Aborted to end the wait between two attempts. */
  #wake = new AbortController();
  #reconnecting = false;
  #forget = false;
  readonly #wanted = new Map<string, Qos>();
  /** Filters that the broker's session has, with their QoS. */
  readonly #granted = new Map<string, Qos>();

  constructor(
    readonly clientId: string,
    private readonly options: SessionOptions,
    private readonly owner: SessionOwner,
  ) {}

  get state(): ConnectionState {
    return this.#state;
  }

  /** The client, while it is connected. */
  get client(): MqttClient | undefined {
    return this.#client?.connected ? this.#client : undefined;
  }

  /** How many filters it is to be subscribed to. */
  get filters(): number {
    return this.#wanted.size;
  }

  /** Begins to connect, and to reconnect whenever the connection ends, until {@link close}. */
  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Subscribes now and after each reconnection, with at least this quality of service.
   *
   * @throws DeviceError REQUEST_REFUSED when AWS IoT refuses it at once; without a connection it is only noted
   */
  async subscribe(filter: string, qos: Qos): Promise<void> {
    const before = this.#wanted.get(filter);
    this.#wanted.set(filter, before === 1 ? 1 : qos);
    const { client } = this;
    try {
      if (client) await this.#grant(client, filter);
    } catch (error) {
      if (before === undefined) this.#wanted.delete(filter);
      else this.#wanted.set(filter, before);
      throw error;
    }
  }

  async unsubscribe(filter: string): Promise<void> {
    this.#wanted.delete(filter);
    this.#granted.delete(filter);
    const { client } = this;
    if (client) await new Promise<void>((resolve) => client.unsubscribe(filter, () => resolve()));
  }

  /** Ends the connection and makes a new one at once, with the certificate that is on disk now. */
  reconnect(): void {
    this.#reconnecting = true;
    this.#wake.abort();
    this.#client?.end(true);
  }

  /**
   * Disconnects cleanly.
   *
   * @param forget ends the broker's session too (MQTT 5), so that it collects no messages for nobody
   */
  async close(forget = false): Promise<void> {
    this.#forget = forget;
    this.#stop.abort(new DeviceError('STOPPED', 'The device is stopped.'));
    await this.#running;
    this.#setState('closed', 'stopped');
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { clock, endpoint, reconnectDelay = DEFAULT_RECONNECT_DELAY } = this.options;
    for (let attempt = 0; !signal.aborted; attempt++) {
      this.#reconnecting = false;
      this.#setState('connecting', `connecting to ${endpoint.host}:${endpoint.port}`);
      try {
        const lasted = await this.#connectOnce();
        if (this.#reconnecting) attempt = -1;
        else attempt = lasted >= GOOD_AFTER ? 0 : Math.min(attempt, MOST_BAD_ATTEMPTS);
      } catch (error) {
        if (signal.aborted) return;
        this.#setState('disconnected', messageOf(error));
      }
      if (signal.aborted) return;
      if (this.#reconnecting) continue;
      const delay = backoff(attempt, reconnectDelay.first, reconnectDelay.longest);
      this.#wake = new AbortController();
      await pause(clock, delay, AbortSignal.any([signal, this.#wake.signal])).catch(() => {});
    }
  }

  /** Resolves when a connection that was made has ended, with the milliseconds it stood. */
  async #connectOnce(): Promise<number> {
    const { options } = this;
    const { signal } = this.#stop;
    const pair = ownPair(options);
    const { client, sessionPresent } = await openMqtt(
      {
        endpoint: options.endpoint,
        clientId: this.clientId,
        ca: readPem(options.rootCaPath),
        ...pair,
        version: options.version,
        keepAliveSeconds: options.keepAliveSeconds,
        clean: false,
        sessionExpirySeconds: options.sessionExpirySeconds,
        receiveMaximum: options.receiveMaximum,
        timeout: CONNECT_TIMEOUT,
        prepare: (opened) => opened.on('message', (_topic, _payload, packet) => this.owner.received(packet)),
      },
      signal,
    ).catch((error: unknown) => {
      throw withCertificate(error, pair, options.clock.now());
    });
    const since = options.clock.now();
    let reason = 'the connection was closed';
    client.on('disconnect', (packet) => {
      reason = `AWS IoT Core disconnected the device (reason code ${packet.reasonCode ?? 0})`;
    });
    client.on('error', (error) => {
      reason = error.message;
    });
    const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
    this.#client = client;
    // Asked for while the certificate of before was on its way.
    if (this.#reconnecting) client.end(true);
    if (!sessionPresent) this.#granted.clear();
    for (const filter of this.#wanted.keys()) {
      this.#grant(client, filter).catch((error: unknown) => options.log('error', messageOf(error)));
    }
    this.#setState('connected', `connected to ${options.endpoint.host}:${options.endpoint.port}`);
    const stop = () => {
      const forgets = this.#forget && options.version === 'mqtt5';
      client.end(false, forgets ? { properties: { sessionExpiryInterval: 0 } } : {});
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await ended;
    signal.removeEventListener('abort', stop);
    client.end(true);
    this.#client = undefined;
    this.#setState('disconnected', reason);
    return options.clock.now() - since;
  }

  #setState(state: ConnectionState, detail: string): void {
    if (this.#state === 'closed') return;
    const changed = this.#state !== state;
    this.#state = state;
    if (!changed && state !== 'disconnected') return;
    const level = state === 'disconnected' && !this.#stop.signal.aborted ? 'warn' : 'info';
    this.options.log(level, `MQTT ${state}: ${detail}`, { clientId: this.clientId });
    this.owner.stateChanged(state, detail);
  }

  /** Subscribes to a filter unless the broker's session has it. One filter a request: one that is refused spoils no other. */
  async #grant(client: MqttClient, filter: string): Promise<void> {
    const qos = this.#wanted.get(filter);
    if (qos === undefined || (this.#granted.get(filter) ?? -1) >= qos) return;
    await subscribeOnce(client, filter, qos);
    if (this.#wanted.has(filter) && client.connected) this.#granted.set(filter, qos);
  }
}

function subscribeOnce(client: MqttClient, filter: string, qos: Qos): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe(filter, { qos }, (error, granted) => {
      const refused = granted?.some((grant) => grant.qos >= 128);
      if (!error && !refused) resolve();
      else if (!client.connected)
        resolve(); // Asked again at the next connection.
      else reject(new DeviceError('REQUEST_REFUSED', `AWS IoT Core refuses the subscription to ${filter}.`));
    });
  });
}

function ownPair(options: SessionOptions): KeyPair {
  try {
    return readKeyPair(options);
  } catch (error) {
    throw new MqttOpenError('network', `The device's certificate cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Where the cloud does not take the device, what is to be known of the certificate that it showed. */
function withCertificate(error: unknown, { certificate }: KeyPair, now: number): unknown {
  if (!(error instanceof MqttOpenError) || !REFUSALS.has(error.kind)) return error;
  return new MqttOpenError(error.kind, `${error.message}; ${describeCertificate(certificate, now)}`, {
    cause: error,
  });
}

const REFUSALS: ReadonlySet<MqttOpenFailure> = new Set(['dropped', 'refused', 'certificate-refused']);

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new MqttOpenError('network', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
