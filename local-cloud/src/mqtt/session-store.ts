import { key, type Store, type Table } from '../store/store.js';
import type { MessageProperties } from './contract.js';
import type { Journal } from './journal.js';
import { Publication } from './publication.js';

/** What is kept of a subscription. */
export interface SubscriptionRecord {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
}

/** What is kept of a persistent session; its queued messages are kept beside it. */
export interface SessionRecord {
  /** A session of MQTT 3 cannot be resumed with MQTT 5, nor the other way round (AWS IoT, MQTT persistent sessions). */
  readonly family: 3 | 5;
  /** Seconds that it outlives its connection. */
  readonly expiry: number;
  /** Milliseconds since 1970; undefined while connected. */
  readonly disconnectedAt?: number;
  readonly subscriptions: readonly SubscriptionRecord[];
}

interface MessageRecord {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  /** The flag to send it with. */
  readonly sendRetain: boolean;
  readonly properties: MessageProperties;
  readonly expiresAt?: number;
  readonly publisher?: string;
}

/** A message as it was kept for a session or group. */
export interface KeptDelivery {
  readonly key: string;
  readonly publication: Publication;
  readonly retain: boolean;
}

/** The durable side of sessions and shared subscription groups. */
export class SessionStore {
  readonly #sessions: Table<SessionRecord>;
  readonly #messages: Table<MessageRecord>;
  #sequence = 0;

  constructor(
    store: Store,
    private readonly journal: Journal,
  ) {
    this.#sessions = store.table('mqtt.sessions');
    this.#messages = store.table('mqtt.messages');
    for (const [name] of this.#messages.entries()) {
      this.#sequence = Math.max(this.#sequence, Number.parseInt(name.slice(-SEQUENCE_DIGITS), 36));
    }
  }

  /** What was kept when the broker last ran. */
  sessions(): Iterable<[clientId: string, record: SessionRecord]> {
    return this.#sessions.entries();
  }

  /** The kept messages of an owner, oldest first. */
  *deliveries(owner: string): Iterable<KeptDelivery> {
    for (const [name, record] of this.#messages.entries({ prefix: key(owner, '') })) {
      const { topic, payload, retain, properties, expiresAt, publisher } = record;
      const bytes = Buffer.from(payload);
      yield {
        key: name,
        retain: record.sendRetain,
        publication: new Publication(topic, bytes, 1, retain, properties, expiresAt, publisher),
      };
    }
  }

  putSession(clientId: string, record: SessionRecord): Promise<void> {
    return this.journal.write(() => this.#sessions.put(clientId, record));
  }

  /** Forgets a session and the messages kept for it. */
  deleteSession(clientId: string): void {
    void this.journal.write(() => {
      this.#sessions.delete(clientId);
      this.#deleteMessages(sessionOwner(clientId));
    });
  }

  deleteGroup(group: string): void {
    void this.journal.write(() => this.#deleteMessages(groupOwner(group)));
  }

  /** A key for a message of that owner, behind all that were given before. */
  nextKey(owner: string): string {
    this.#sequence += 1;
    return key(owner, this.#sequence.toString(36).padStart(SEQUENCE_DIGITS, '0'));
  }

  putMessage(name: string, publication: Publication, sendRetain: boolean): Promise<void> {
    return this.journal.write(() => {
      const { topic, payload, retain, properties, expiresAt, publisher } = publication;
      this.#messages.put(name, { topic, payload, retain, sendRetain, properties, expiresAt, publisher });
    });
  }

  deleteMessage(name: string): void {
    void this.journal.write(() => this.#messages.delete(name));
  }

  #deleteMessages(owner: string): void {
    const names = [...this.#messages.entries({ prefix: key(owner, '') })].map(([name]) => name);
    for (const name of names) this.#messages.delete(name);
  }
}

/** Enough for 36^11 messages. */
const SEQUENCE_DIGITS = 11;

export const sessionOwner = (clientId: string): string => `session:${clientId}`;
export const groupOwner = (group: string): string => `group:${group}`;
