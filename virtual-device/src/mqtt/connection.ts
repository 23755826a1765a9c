import type { IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt';
import { DeviceError, messageOf } from '../errors.js';
import type { Qos } from '../ipc/capabilities.js';
import { type ConnectionState, MqttSession, type SessionOptions } from './session.js';
import { Spool } from './spool.js';
import { SpoolJournal } from './spool-journal.js';
import { effectiveFilter, topicMatches } from './topic-filter.js';

export type { ConnectionState } from './session.js';

export interface ConnectionOptions extends SessionOptions {
  readonly thingName: string;
  /** Bytes of messages that wait for AWS IoT Core (`mqtt.spooler.maxSizeInBytes`). */
  readonly spoolBytes: number;
  /** The file that keeps them over restarts (`mqtt.spooler.storageType: Disk`); without it they are in memory. */
  readonly spoolFile?: string;
  /** `mqtt.spooler.keepQos0WhenOffline`; false unless told otherwise. */
  readonly keepQos0WhenOffline?: boolean;
  /** QoS 1 messages on their way at once (`mqtt.maxInFlightPublishes`). */
  readonly maxInFlight?: number;
  /**
   * Connections that may end during the sending of a message before it is given up, as it is likely what
   * ends them (`mqtt.maxPublishRetry`); -1: any number.
   */
  readonly maxPublishRetry?: number;
  /** Largest payload in bytes (`mqtt.maxMessageSizeInBytes`). */
  readonly maxMessageBytes?: number;
}

export type MessageHandler = (packet: IPublishPacket) => void;

interface Subscription {
  readonly filter: string;
  readonly session: MqttSession;
  readonly handler: MessageHandler;
}

/** Limits and defaults of the nucleus, and of AWS IoT Core, which takes no larger payload. */
const MAX_PAYLOAD_BYTES = 128 * 1024;
const MAX_IN_FLIGHT = 5;
const MAX_PUBLISH_RETRY = 100;
const MAX_FILTERS_PER_SESSION = 50;

/**
 * The device's connection to AWS IoT Core: a first session whose client id is the thing's name, which all
 * messages are published on and so keep their order, and further ones (`{thing}#2`, …) when the device is
 * subscribed to more filters than AWS IoT Core takes on one; and the bounded spool of what is to be sent.
 */
export class DeviceConnection {
  readonly #first: MqttSession;
  /** By client id number: `{thing}` is 1. */
  readonly #sessions = new Map<number, MqttSession>();
  readonly #spool: Spool;
  readonly #subscriptions = new Set<Subscription>();
  readonly #listeners = new Set<(state: ConnectionState, detail: string) => void>();
  /** Further sessions on their way out, whose client ids are not free yet. */
  readonly #closing = new Map<number, Promise<void>>();
  #started = false;
  #draining = false;
  #closed = false;

  /** @throws DeviceError ROOT_UNUSABLE when the spool's file cannot be used */
  constructor(private readonly options: ConnectionOptions) {
    this.#spool = openSpool(options);
    this.#first = new MqttSession(options.thingName, options, {
      stateChanged: (state, detail) => this.#firstChanged(state, detail),
      received: (packet) => this.#dispatch(this.#first, packet),
    });
    this.#sessions.set(1, this.#first);
  }

  get state(): ConnectionState {
    return this.#first.state;
  }

  /** Begins to connect, and to reconnect whenever the connection ends, until {@link close}. */
  start(): void {
    this.#started = true;
    for (const session of this.#sessions.values()) session.start();
  }

  /** Is told each new state of the first session; `detail` says why for people. */
  onState(listener: (state: ConnectionState, detail: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sends a message; resolves once it is spooled. QoS 1: it is sent again until AWS IoT acknowledges it.
   *
   * @throws DeviceError PAYLOAD_TOO_LARGE, SPOOL_FULL, STOPPED, or OFFLINE (QoS 0 without a connection)
   */
  async publish(topic: string, payload: Uint8Array, options: IClientPublishOptions = {}): Promise<void> {
    if (this.#closed) throw new DeviceError('STOPPED', 'The device is stopped.');
    const limit = Math.min(this.options.maxMessageBytes ?? MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
    if (payload.length > limit) {
      throw new DeviceError(
        'PAYLOAD_TOO_LARGE',
        `A message to ${topic} has ${payload.length} bytes; AWS IoT Core takes ${limit}.`,
      );
    }
    const added = this.#spool.add({
      topic,
      payload,
      options: { ...options, qos: options.qos === 1 ? 1 : 0 },
    });
    this.#drain();
    await added;
  }

  /**
   * Subscribes now and after each reconnection.
   *
   * @returns ends the subscription
   * @throws DeviceError REQUEST_REFUSED when AWS IoT refuses it at once; without a connection it is only noted
   */
  async subscribe(filter: string, qos: Qos, handler: MessageHandler): Promise<() => Promise<void>> {
    if (this.#closed) throw new DeviceError('STOPPED', 'The device is stopped.');
    const session = this.#sessionFor(filter);
    const subscription: Subscription = { filter, session, handler };
    this.#subscriptions.add(subscription);
    try {
      await session.subscribe(filter, qos);
    } catch (error) {
      await this.#end(subscription, false);
      throw error;
    }
    return () => this.#end(subscription, true);
  }

  /** Disconnects cleanly; what is not sent yet is lost unless the spool is on disk. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([
      ...[...this.#sessions.values()].map((session) => session.close()),
      ...this.#closing.values(),
    ]);
    this.#listeners.clear();
    this.#spool.close();
  }

  /** Ends the connections and makes new ones at once, with the certificate that is on disk now. */
  reconnect(): void {
    for (const session of this.#sessions.values()) session.reconnect();
  }

  #sessionFor(filter: string): MqttSession {
    for (const subscription of this.#subscriptions) {
      if (subscription.filter === filter) return subscription.session;
    }
    for (const session of this.#sessions.values()) {
      if (session.filters < MAX_FILTERS_PER_SESSION) return session;
    }
    let number = 2;
    while (this.#sessions.has(number) || this.#closing.has(number)) number++;
    const session: MqttSession = new MqttSession(`${this.options.thingName}#${number}`, this.options, {
      stateChanged: () => {},
      received: (packet) => this.#dispatch(session, packet),
    });
    this.#sessions.set(number, session);
    if (this.#started) session.start();
    return session;
  }

  async #end(subscription: Subscription, unsubscribe: boolean): Promise<void> {
    if (!this.#subscriptions.delete(subscription)) return;
    const { filter, session } = subscription;
    if ([...this.#subscriptions].some((other) => other.filter === filter)) return;
    if (unsubscribe) await session.unsubscribe(filter);
    await this.#closeIfIdle(session);
  }

  /** A further session is kept only as long as it is subscribed to something. */
  async #closeIfIdle(session: MqttSession): Promise<void> {
    const [number] = [...this.#sessions].find(([, candidate]) => candidate === session) ?? [];
    if (number === undefined || number === 1 || session.filters > 0) return;
    this.#sessions.delete(number);
    const closed = session.close(true).finally(() => this.#closing.delete(number));
    this.#closing.set(number, closed);
    await closed;
  }

  #firstChanged(state: ConnectionState, detail: string): void {
    if (state === 'connected') {
      this.#spool.online();
      this.#drain();
    } else if (state === 'disconnected') {
      const { maxPublishRetry = MAX_PUBLISH_RETRY, log } = this.options;
      const attempts = maxPublishRetry < 0 ? Number.POSITIVE_INFINITY : maxPublishRetry + 1;
      const givenUp = this.#spool.offline(attempts);
      if (givenUp > 0) {
        log(
          'warn',
          `${givenUp} messages are given up: ${attempts} connections were lost while they were sent`,
        );
      }
    }
    for (const listener of [...this.#listeners]) listener(state, detail);
  }

  /** Only the session's own subscriptions are told: what two sessions match comes on both. */
  #dispatch(session: MqttSession, packet: IPublishPacket): void {
    const handlers = new Set<MessageHandler>();
    for (const subscription of this.#subscriptions) {
      if (subscription.session !== session) continue;
      if (topicMatches(effectiveFilter(subscription.filter), packet.topic))
        handlers.add(subscription.handler);
    }
    for (const handler of handlers) {
      try {
        handler(packet);
      } catch (error) {
        this.options.log('error', `A message on ${packet.topic} was not handled: ${messageOf(error)}`);
      }
    }
  }

  #drain(): void {
    const { client } = this.#first;
    // The client may call back at once, within its publish.
    if (!client || this.#draining) return;
    this.#draining = true;
    try {
      this.#send(client);
    } finally {
      this.#draining = false;
    }
  }

  #send(client: MqttClient): void {
    while (client.connected && this.#spool.inFlight < (this.options.maxInFlight ?? MAX_IN_FLIGHT)) {
      const message = this.#spool.take();
      if (!message) return;
      const { id, topic, payload, options } = message;
      client.publish(topic, Buffer.from(payload), options, (error) => {
        // Otherwise it was put back when that connection ended, or is when its end is seen.
        if (this.#first.client !== client) return;
        if (error) this.options.log('warn', `AWS IoT Core refuses a message to ${topic}: ${error.message}`);
        this.#spool.settle(id);
        this.#drain();
      });
    }
  }
}

function openSpool(options: ConnectionOptions): Spool {
  const { spoolBytes, spoolFile, keepQos0WhenOffline = false, log } = options;
  const common = { maxBytes: spoolBytes, keepQos0WhenOffline, log };
  if (spoolFile === undefined) return new Spool(common);
  const { journal, entries, droppedBytes } = SpoolJournal.open(spoolFile);
  if (droppedBytes > 0) {
    log('warn', `The message spool ${spoolFile} ended in ${droppedBytes} damaged bytes, which are dropped`);
  }
  if (entries.length > 0) log('info', `${entries.length} messages were left in the spool`);
  return new Spool({ ...common, journal: { journal, entries } });
}
