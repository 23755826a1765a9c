import type { Duplex } from 'node:stream';
import { checkMessage } from './cloud-message.js';
import { Connection } from './connection.js';
import type {
  Broker,
  BrokerEvents,
  BrokerOptions,
  Client,
  DisconnectReason,
  InboundPublish,
  Message,
} from './contract.js';
import { Emitter } from './emitter.js';
import type { Hub, HubConnection, Interceptor } from './hub.js';
import { Journal } from './journal.js';
import { AWS_IOT_CORE_LIMITS, type BrokerLimits } from './limits.js';
import { Publication } from './publication.js';
import { expiryOf, forwarded } from './publishing.js';
import { RetainedStore } from './retained-store.js';
import { SessionStore } from './session-store.js';
import { Sessions } from './sessions.js';
import { TimerWheel } from './timer-wheel.js';

/** Makes a broker with the sessions and retained messages that its store has. */
export function createBroker<P>(options: BrokerOptions<P>): Broker<P> {
  return new MqttBroker(options);
}

class MqttBroker<P> implements Broker<P>, Hub<P> {
  readonly limits: BrokerLimits;
  readonly clock: BrokerOptions<P>['clock'];
  readonly wheel: TimerWheel;
  readonly authorizer: BrokerOptions<P>['authorizer'];
  readonly sessions: Sessions;
  readonly retained: RetainedStore;
  readonly log: BrokerOptions<P>['log'];
  readonly #journal: Journal;
  readonly #events: Emitter<BrokerEvents<P>>;
  /** Every connection whose stream is open. */
  readonly #accepted = new Set<Connection<P>>();
  /** The connected clients by their identifiers. */
  readonly #connections = new Map<string, HubConnection<P>>();
  #interceptors: Interceptor<P>[] = [];
  readonly #observers = new Set<(publish: InboundPublish<P>) => Promise<void> | undefined>();
  #closed = false;

  constructor({ store, clock, limits, authorizer, log }: BrokerOptions<P>) {
    this.limits = Object.freeze({ ...AWS_IOT_CORE_LIMITS, ...limits });
    this.clock = clock;
    this.authorizer = authorizer;
    this.log = log;
    this.wheel = new TimerWheel(clock);
    const now = () => clock.now();
    this.#journal = new Journal(store, (error) => log('error', 'A write failed', { error: String(error) }));
    this.#events = new Emitter((error) => log('error', 'A listener failed', { error: String(error) }));
    this.retained = new RetainedStore(store, this.#journal, now);
    this.sessions = new Sessions(
      new SessionStore(store, this.#journal),
      this.limits,
      this.wheel,
      now,
      (owner, { topic }) => log('warn', 'A queue is full, a message is dropped', { owner, topic }),
    );
  }

  accept(stream: Duplex, peer: P): void {
    if (this.#closed) {
      stream.destroy();
      return;
    }
    const connection = new Connection(this, stream, peer);
    this.#accepted.add(connection);
    stream.once('close', () => this.#accepted.delete(connection));
  }

  async publish(
    { topic, payload, qos = 0, retain = false, properties = {} }: Message,
    { to, by }: { to?: Client<P>; by?: P } = {},
  ): Promise<void> {
    this.check({ topic, payload, properties });
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const expiresAt = expiryOf(properties, this.clock.now(), this.limits);
    const kept = forwarded(properties);
    const publication = new Publication(topic, bytes, qos, to ? false : retain, kept, expiresAt, undefined);
    if (!to) await this.dispatch(publication, undefined, undefined, by);
    else if (this.client(to.clientId) === to) {
      await this.sessions.route(publication, this.sessions.get(to.clientId));
    }
  }

  check(message: Message): void {
    checkMessage(message, this.limits);
  }

  intercept(
    prefix: string,
    handler: (publish: InboundPublish<P>) => void | Promise<void>,
    { deliver = false }: { deliver?: boolean } = {},
  ): void {
    this.#interceptors.push({ prefix, handler, deliver });
    this.#interceptors.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  observe(listener: (publish: InboundPublish<P>) => Promise<void> | undefined): () => void {
    this.#observers.add(listener);
    return () => this.#observers.delete(listener);
  }

  on<E extends keyof BrokerEvents<P>>(event: E, listener: (event: BrokerEvents<P>[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  *clients(): Iterable<Client<P>> {
    for (const { client } of this.#connections.values()) yield client;
  }

  client(clientId: string): Client<P> | undefined {
    return this.#connections.get(clientId)?.client;
  }

  disconnect(
    where: (client: Client<P>) => boolean,
    reason: DisconnectReason,
    { cleanSession = false, preventWill = false }: { cleanSession?: boolean; preventWill?: boolean } = {},
  ): number {
    const connections = [...this.#connections.values()].filter(({ client }) => where(client));
    for (const { client, close } of connections) {
      close(reason, { preventWill });
      const session = cleanSession ? this.sessions.get(client.clientId) : undefined;
      if (session) this.sessions.end(session);
    }
    return connections.length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of [...this.#accepted]) connection.shutDown();
    await this.#journal.settled();
    this.wheel.stop();
  }

  emit<E extends keyof BrokerEvents<P>>(event: E, payload: BrokerEvents<P>[E]): void {
    this.#events.emit(event, payload);
  }

  enter(connection: HubConnection<P>): void {
    const { clientId } = connection.client;
    this.#connections.get(clientId)?.close('DUPLICATE_CLIENTID');
    this.#connections.set(clientId, connection);
  }

  leave(client: Client<P>): void {
    if (this.client(client.clientId) === client) this.#connections.delete(client.clientId);
  }

  interceptor(topic: string): Interceptor<P> | undefined {
    return this.#interceptors.find(({ prefix }) => topic.startsWith(prefix));
  }

  dispatch(
    publication: Publication,
    client: Client<P> | undefined,
    interceptor?: Interceptor<P>,
    by: P | undefined = client?.peer,
  ): Promise<void> | undefined {
    // [MQTT-3.3.1-5] [MQTT-3.3.1-8] Kept as the topic's retained message with RETAIN only.
    const retained = publication.retain ? this.retained.put(publication) : undefined;
    if (interceptor) this.#intercept(interceptor, publication, client);
    const observed = this.#observers.size > 0 ? this.#observe(publication, client, by) : undefined;
    // [MQTT-4.5.0-1]
    const routed = interceptor && !interceptor.deliver ? undefined : this.sessions.route(publication);
    const kept = retained && routed ? Promise.all([retained, routed]).then(() => {}) : (retained ?? routed);
    return kept && observed ? Promise.all([kept, observed]).then(() => {}) : (kept ?? observed);
  }

  /** Undefined when no observer has anything to keep. */
  #observe(
    publication: Publication,
    client: Client<P> | undefined,
    by: P | undefined,
  ): Promise<void> | undefined {
    const publish = view(publication, client, by, this.clock.now());
    const kept: Promise<void>[] = [];
    for (const observer of this.#observers) {
      try {
        const result = observer(publish);
        if (result) kept.push(result);
      } catch (error) {
        this.log('error', 'An observer failed', { topic: publication.topic, error: String(error) });
      }
    }
    return kept.length > 0 ? Promise.all(kept).then(() => {}) : undefined;
  }

  #intercept(interceptor: Interceptor<P>, publication: Publication, client: Client<P> | undefined): void {
    const failed = (error: unknown) =>
      this.log('error', 'The handler of a reserved topic failed', {
        topic: publication.topic,
        clientId: client?.clientId,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    try {
      const result = interceptor.handler(view(publication, client, client?.peer, this.clock.now()));
      if (result) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

function view<P>(
  publication: Publication,
  client: Client<P> | undefined,
  peer: P | undefined,
  now: number,
): InboundPublish<P> {
  const { topic, payload, qos, retain } = publication;
  const messageExpiryInterval = publication.secondsLeft(now);
  const properties = { ...publication.properties, messageExpiryInterval };
  return { topic, payload, qos, retain, properties, client, peer };
}
