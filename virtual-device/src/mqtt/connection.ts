import { readFileSync } from 'node:fs';
import type { IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt';
import { backoff, type Clock, pause } from '../clock.js';
import type { Endpoint } from '../config/endpoint.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Qos } from '../ipc/capabilities.js';
import type { Log } from '../log/device-log.js';
import { MqttOpenError, openMqtt } from './open.js';
import { Spool } from './spool.js';
import { topicMatches } from './topic-filter.js';

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly thingName: string;
  /** Read anew for each attempt, so that a changed certificate is used at the next connection. */
  readonly rootCaPath: string;
  readonly certificatePath: string;
  readonly privateKeyPath: string;
  readonly version: 'mqtt5' | 'mqtt3';
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
  readonly spoolBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

export type ConnectionState = 'connecting' | 'connected' | 'disconnected' | 'closed';

export type MessageHandler = (packet: IPublishPacket) => void;

interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
  readonly handler: MessageHandler;
}

const RETRY_BASE = 500;
const RETRY_CEILING = 60_000;
const CONNECT_TIMEOUT = 30_000;
/** AWS IoT Core's limits: payload bytes, and QoS 1 messages that one client may have unacknowledged. */
const MAX_PAYLOAD_BYTES = 128 * 1024;
const MAX_IN_FLIGHT = 100;
/** A message during whose sending the connection ended this often is likely what ends it. */
const MAX_ATTEMPTS = 10;

/**
 * The device's connection to AWS IoT Core: mutual TLS with its own certificate, client id = thing name,
 * a persistent session, reconnection with backoff and jitter, and a bounded spool for QoS 1 messages.
 */
export class DeviceConnection {
  #client: MqttClient | undefined;
  #state: ConnectionState = 'connecting';
  #running: Promise<void> | undefined;
  readonly #stop = new AbortController();
  readonly #spool: Spool;
  readonly #subscriptions = new Set<Subscription>();
  /** Filters that the broker's session has, with their QoS. */
  readonly #granted = new Map<string, Qos>();
  readonly #listeners = new Set<(state: ConnectionState, detail: string) => void>();

  constructor(private readonly options: ConnectionOptions) {
    this.#spool = new Spool(options.spoolBytes);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Begins to connect, and to reconnect whenever the connection ends, until {@link close}. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Is told each new state; `detail` says why for people. */
  onState(listener: (state: ConnectionState, detail: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sends a message. QoS 1: resolves once spooled; it is sent again until AWS IoT acknowledges it. QoS 0:
   * resolves once handed to the network.
   *
   * @throws DeviceError PAYLOAD_TOO_LARGE, SPOOL_FULL, STOPPED, or OFFLINE (QoS 0 without a connection)
   */
  async publish(topic: string, payload: Uint8Array, options: IClientPublishOptions = {}): Promise<void> {
    if (this.#state === 'closed') throw new DeviceError('STOPPED', 'The device is stopped.');
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new DeviceError(
        'PAYLOAD_TOO_LARGE',
        `A message to ${topic} has ${payload.length} bytes; AWS IoT Core takes ${MAX_PAYLOAD_BYTES}.`,
      );
    }
    if (options.qos !== 1) {
      await this.#publishOnce(topic, payload, options);
      return;
    }
    if (!this.#spool.add({ topic, payload, options, attempts: 0 })) {
      throw new DeviceError(
        'SPOOL_FULL',
        `The spool for AWS IoT Core is full; the message to ${topic} is dropped.`,
      );
    }
    this.#drain();
  }

  /**
   * Subscribes now and after each reconnection.
   *
   * @returns ends the subscription
   * @throws DeviceError REQUEST_REFUSED when AWS IoT refuses it at once; without a connection it is only noted
   */
  async subscribe(filter: string, qos: Qos, handler: MessageHandler): Promise<() => Promise<void>> {
    const subscription: Subscription = { filter, qos, handler };
    this.#subscriptions.add(subscription);
    try {
      await this.#grant();
    } catch (error) {
      this.#subscriptions.delete(subscription);
      throw error;
    }
    return async () => {
      this.#subscriptions.delete(subscription);
      if ([...this.#subscriptions].some((other) => other.filter === filter)) return;
      this.#granted.delete(filter);
      const client = this.#client;
      if (client?.connected)
        await new Promise<void>((resolve) => client.unsubscribe(filter, () => resolve()));
    };
  }

  /** Disconnects cleanly; what is not sent yet is lost, as the spool is in memory. */
  async close(): Promise<void> {
    this.#stop.abort(new DeviceError('STOPPED', 'The device is stopped.'));
    await this.#running;
    this.#setState('closed', 'stopped');
    this.#listeners.clear();
  }

  /**
   * Ends the connection and makes a new one at once, with the certificate that is on disk now.
   */
  reconnect(): void {
    this.#client?.end(true);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 0; !signal.aborted; attempt++) {
      this.#setState(
        'connecting',
        `connecting to ${this.options.endpoint.host}:${this.options.endpoint.port}`,
      );
      try {
        await this.#connectOnce(() => {
          attempt = -1;
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#setState('disconnected', messageOf(error));
      }
      if (signal.aborted) return;
      const delay = backoff(Math.max(attempt, 0), RETRY_BASE, RETRY_CEILING);
      await pause(this.options.clock, delay, signal).catch(() => {});
    }
  }

  /** Resolves when a connection that was made has ended. */
  async #connectOnce(onConnected: () => void): Promise<void> {
    const { options } = this;
    const { signal } = this.#stop;
    const { client, sessionPresent } = await openMqtt(
      {
        endpoint: options.endpoint,
        clientId: options.thingName,
        ca: readPem(options.rootCaPath),
        certificate: readPem(options.certificatePath),
        privateKey: readPem(options.privateKeyPath),
        version: options.version,
        keepAliveSeconds: options.keepAliveSeconds,
        clean: false,
        sessionExpirySeconds: options.sessionExpirySeconds,
        receiveMaximum: options.receiveMaximum,
        timeout: CONNECT_TIMEOUT,
        prepare: (opened) => opened.on('message', (_topic, _payload, packet) => this.#dispatch(packet)),
      },
      signal,
    );
    let reason = 'the connection was closed';
    client.on('disconnect', (packet) => {
      reason = `AWS IoT Core disconnected the device (reason code ${packet.reasonCode ?? 0})`;
    });
    client.on('error', (error) => {
      reason = error.message;
    });
    const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
    this.#client = client;
    if (!sessionPresent) this.#granted.clear();
    onConnected();
    this.#setState('connected', `connected to ${options.endpoint.host}:${options.endpoint.port}`);
    this.#grant().catch((error: unknown) => options.log('error', messageOf(error)));
    this.#drain();
    const stop = () => client.end(false);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await ended;
    signal.removeEventListener('abort', stop);
    client.end(true);
    this.#client = undefined;
    for (const { topic } of this.#spool.requeue(MAX_ATTEMPTS)) {
      options.log(
        'warn',
        `A message to ${topic} is given up: ${MAX_ATTEMPTS} connections were lost while it was sent`,
      );
    }
    this.#setState('disconnected', reason);
  }

  #setState(state: ConnectionState, detail: string): void {
    if (this.#state === 'closed') return;
    const changed = this.#state !== state;
    this.#state = state;
    if (!changed && state !== 'disconnected') return;
    const level = state === 'disconnected' && !this.#stop.signal.aborted ? 'warn' : 'info';
    this.options.log(level, `MQTT ${state}: ${detail}`, { clientId: this.options.thingName });
    for (const listener of this.#listeners) listener(state, detail);
  }

  #dispatch(packet: IPublishPacket): void {
    const handlers = new Set<MessageHandler>();
    for (const { filter, handler } of this.#subscriptions) {
      if (topicMatches(filter, packet.topic)) handlers.add(handler);
    }
    for (const handler of handlers) {
      try {
        handler(packet);
      } catch (error) {
        this.options.log('error', `A message on ${packet.topic} was not handled: ${messageOf(error)}`);
      }
    }
  }

  /** Subscribes to what the session does not have yet. */
  async #grant(): Promise<void> {
    const client = this.#client;
    if (!client?.connected) return;
    const wanted = new Map<string, Qos>();
    for (const { filter, qos } of this.#subscriptions) {
      wanted.set(filter, Math.max(qos, wanted.get(filter) ?? 0) === 1 ? 1 : 0);
    }
    const missing = [...wanted].filter(([filter, qos]) => (this.#granted.get(filter) ?? -1) < qos);
    // One filter a request: MQTT 3.1.1 brokers of AWS IoT answer a refused one by disconnecting.
    await Promise.all(
      missing.map(async ([filter, qos]) => {
        await subscribeOnce(client, filter, qos);
        this.#granted.set(filter, qos);
      }),
    );
  }

  #publishOnce(topic: string, payload: Uint8Array, options: IClientPublishOptions): Promise<void> {
    const client = this.#client;
    if (!client?.connected) {
      return Promise.reject(
        new DeviceError('OFFLINE', `The device is offline; the QoS 0 message to ${topic} is dropped.`),
      );
    }
    return new Promise((resolve, reject) => {
      client.publish(topic, Buffer.from(payload), { ...options, qos: 0 }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  #drain(): void {
    const client = this.#client;
    while (client?.connected && this.#spool.inFlight < MAX_IN_FLIGHT) {
      const message = this.#spool.take();
      if (!message) return;
      client.publish(message.topic, Buffer.from(message.payload), message.options, (error) => {
        if (this.#client !== client) return; // Requeued when that connection ended.
        if (error && !client.connected) return; // Requeued when the connection's end is seen.
        if (error)
          this.options.log('warn', `AWS IoT Core refuses a message to ${message.topic}: ${error.message}`);
        this.#spool.settle(message);
        this.#drain();
      });
    }
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

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new MqttOpenError('network', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
