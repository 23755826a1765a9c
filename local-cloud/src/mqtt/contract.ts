import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import type { Store } from '../store/store.js';
import type { BrokerLimits } from './limits.js';

/** What the broker promises, and what it asks of those who plug policies, things and rules into it. */

/** 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5. */
export type ProtocolVersion = 3 | 4 | 5;

/** The properties of MQTT 5 that travel with a message from its publisher to its subscribers. */
export interface MessageProperties {
  /** 1 says that the payload is UTF-8 text. */
  payloadFormatIndicator?: 0 | 1;
  /** Seconds. */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  /** In the order in which they were sent; names may repeat. */
  userProperties?: readonly (readonly [name: string, value: string])[];
}

export interface Message {
  topic: string;
  /** Not to be changed afterwards: it is not copied for every subscriber. */
  payload: Uint8Array;
  /** 0 when left out. */
  qos?: 0 | 1;
  /** Keep as the topic's retained message; an empty payload removes that instead. */
  retain?: boolean;
  properties?: MessageProperties;
}

/** A message that the broker accepted. */
export interface InboundPublish<P> {
  readonly topic: string;
  /** May be a part of a larger buffer; copy it to keep it for long. */
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  /** Undefined when the message did not come by MQTT. */
  readonly client: Client<P> | undefined;
  /** Who published, by MQTT or in another way; undefined when the cloud itself did. */
  readonly peer: P | undefined;
}

/** An MQTT client that is connected. The object is the same for the whole connection, so it may key a cache. */
export interface Client<P> {
  readonly clientId: string;
  readonly peer: P;
  readonly protocolVersion: ProtocolVersion;
  readonly username: string | undefined;
  /** Unique to this connection: the `sessionIdentifier` of AWS IoT's lifecycle events. */
  readonly sessionIdentifier: string;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
}

export interface ConnectRequest<P> {
  readonly peer: P;
  /** The one that the broker assigned when the client sent none. */
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  readonly cleanStart: boolean;
  /** Whether the session is to outlive the connection (`iot:ConnectAttributes` names it PersistentConnect). */
  readonly persistent: boolean;
  /** The client may publish it only if this decision allows it. */
  readonly will: { readonly topic: string; readonly retain: boolean } | undefined;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
}

export type ConnectDecision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** `not-authorized` answers reason code 0x87, `bad-credentials` 0x86 (MQTT 3: 5 and 4). */
      readonly reason: 'not-authorized' | 'bad-credentials';
      /** One sentence for the log. */
      readonly because: string;
    };

/** Decides what a client may do. It is asked for every packet, so an implementation caches its answers. */
export interface Authorizer<P> {
  /** `iot:Connect`, and `iot:Publish` (`iot:RetainPublish`) for the will. */
  connect(request: ConnectRequest<P>): ConnectDecision | Promise<ConnectDecision>;
  /** `iot:Publish`, and `iot:RetainPublish` when `retain` is true. */
  publish(client: Client<P>, topic: string, retain: boolean): boolean;
  /** `iot:Subscribe`. Of a shared subscription this is the part behind `$share/{name}/`. */
  subscribe(client: Client<P>, filter: string): boolean;
  /** `iot:Receive`; asked when a message is about to be sent. */
  receive(client: Client<P>, topic: string): boolean;
}

/**
 * Why a connection ended, in the words of AWS IoT's lifecycle events
 * (https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html). The will is published for
 * every one but `CLIENT_INITIATED_DISCONNECT`.
 */
export type DisconnectReason =
  | 'AUTH_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CLIENT_ERROR'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'FORBIDDEN_ACCESS'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_ERROR'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'API_INITIATED_DISCONNECT'
  | 'THROTTLED'
  | 'WEBSOCKET_TTL_EXPIRATION';

export interface BrokerEvents<P> {
  connected: { readonly client: Client<P>; readonly sessionPresent: boolean };
  /** A CONNECT was refused: `$aws/events/presence/connect_failed`. */
  refused: { readonly clientId: string; readonly peer: P; readonly reason: DisconnectReason };
  disconnected: {
    readonly client: Client<P>;
    readonly reason: DisconnectReason;
    readonly clientInitiated: boolean;
  };
  subscribed: { readonly client: Client<P>; readonly topics: readonly string[] };
  unsubscribed: { readonly client: Client<P>; readonly topics: readonly string[] };
  /** A client may not do this: a topic that it published to, or a filter that it subscribed to. */
  denied: { readonly client: Client<P>; readonly action: 'publish' | 'subscribe'; readonly topic: string };
}

export interface RetainedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  readonly properties: MessageProperties;
}

/** The retained messages: GetRetainedMessage and ListRetainedMessages of the IoT data plane. */
export interface RetainedMessages {
  get(topic: string): RetainedMessage | undefined;
  /** In order of their topics. */
  list(range?: { after?: string; limit?: number }): Iterable<RetainedMessage>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface BrokerOptions<P> {
  /** Keeps sessions, their queued messages and retained messages. */
  readonly store: Store;
  readonly clock: Clock;
  /** Changes to AWS IoT Core's limits. */
  readonly limits?: Partial<BrokerLimits>;
  readonly authorizer: Authorizer<P>;
  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** An MQTT 3.1.1 and MQTT 5 broker with the limits and deviations of AWS IoT Core. `P` is what the acceptor knows of a peer. */
export interface Broker<P> {
  /** Serves a client on any byte stream: a TLS socket, a WebSocket's stream. Never throws; owns the stream from now on. */
  accept(stream: Duplex, peer: P): void;
  /**
   * Publishes from the cloud itself (`$aws` replies, the Publish operation, rules). No policy and no interceptor
   * is asked. Resolves when the message is kept for every persistent session (QoS 1) and as retained message.
   *
   * With `to` only that connection gets it, by its own subscriptions that match; nobody when it has ended, and no
   * observer: answers may hold keys. `by` names who asked for it in another way than MQTT.
   *
   * @throws MqttError when {@link check} does.
   */
  publish(message: Message, options?: { to?: Client<P>; by?: P }): Promise<void>;
  /**
   * @throws MqttError when the topic is not valid to publish to, a property cannot be written, or the message is
   * larger than allowed.
   */
  check(message: Message): void;
  /**
   * Hands what clients publish to topics that start with `prefix` to `handler` instead of to subscribers (to both
   * with `deliver`). The longest prefix wins. What the handler does before its first `await` is done before the
   * client gets its PUBACK. Without an interceptor a topic that starts with `$` is refused as AWS refuses it.
   */
  intercept(
    prefix: string,
    handler: (publish: InboundPublish<P>) => void | Promise<void>,
    options?: { deliver?: boolean },
  ): void;
  /**
   * Calls `listener` for every accepted message, the cloud's own to all included; returns how to stop that. What it
   * does before its first `await` is done before a client gets its PUBACK, and so is what it returns a promise of:
   * when that rejects, the client gets none.
   */
  observe(listener: (publish: InboundPublish<P>) => Promise<void> | undefined): () => void;
  on<E extends keyof BrokerEvents<P>>(event: E, listener: (event: BrokerEvents<P>[E]) => void): () => void;
  clients(): Iterable<Client<P>>;
  client(clientId: string): Client<P> | undefined;
  /**
   * Disconnects the clients for which `where` is true; returns how many there were. `cleanSession` ends their
   * sessions as well, `preventWill` keeps their wills from being published (DeleteConnection).
   */
  disconnect(
    where: (client: Client<P>) => boolean,
    reason: DisconnectReason,
    options?: { cleanSession?: boolean; preventWill?: boolean },
  ): number;
  readonly retained: RetainedMessages;
  /** Disconnects every client and resolves when all is kept. */
  close(): Promise<void>;
}
