import type { Store, Table } from '../store/store.js';
import type { MessageProperties, RetainedMessage, RetainedMessages } from './contract.js';
import type { Journal } from './journal.js';
import { Publication } from './publication.js';

interface RetainedRecord {
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly lastModified: number;
  readonly properties: MessageProperties;
  readonly expiresAt?: number;
}

/** The last message of each topic that was published with the RETAIN flag, kept in the store. */
export class RetainedStore implements RetainedMessages {
  readonly #table: Table<RetainedRecord>;
  /** What is on its way to the store; undefined for what is to be deleted there. */
  readonly #pending = new Map<string, RetainedRecord | undefined>();

  constructor(
    store: Store,
    private readonly journal: Journal,
    private readonly now: () => number,
  ) {
    this.#table = store.table('mqtt.retained');
  }

  /** Resolves when the message is kept in place of the topic's last one, or that one is gone. */
  async put(publication: Publication): Promise<void> {
    const { topic, payload, qos, properties, expiresAt } = publication.own();
    // [MQTT-3.3.1-6] [MQTT-3.3.1-7] An empty payload removes the retained message and is not kept itself.
    const record =
      payload.length > 0 ? { payload, qos, properties, expiresAt, lastModified: this.now() } : undefined;
    this.#pending.set(topic, record);
    await this.journal.write(() => {
      if (record) this.#table.put(topic, record);
      else this.#table.delete(topic);
    });
    if (this.#pending.get(topic) === record) this.#pending.delete(topic);
  }

  get(topic: string): RetainedMessage | undefined {
    const record = this.#record(topic);
    return record && { topic, ...publicFields(record) };
  }

  /** The message for a new subscriber. */
  publication(topic: string): Publication | undefined {
    const record = this.#record(topic);
    if (!record) return undefined;
    const { payload, qos, properties, expiresAt } = record;
    return new Publication(topic, Buffer.from(payload), qos, true, properties, expiresAt, undefined);
  }

  *list({ after = '', limit = Number.POSITIVE_INFINITY }: { after?: string; limit?: number } = {}) {
    const added = [...this.#pending.keys()].filter((topic) => topic > after).sort();
    let count = 0;
    for (const topic of merge(this.#table.entries({ after }), added)) {
      if (count >= limit) return;
      const message = this.get(topic);
      if (!message) continue;
      count += 1;
      yield message;
    }
  }

  #record(topic: string): RetainedRecord | undefined {
    const record = this.#pending.has(topic) ? this.#pending.get(topic) : this.#table.get(topic);
    if (record?.expiresAt === undefined || record.expiresAt > this.now()) return record;
    // [MQTT-3.3.2-5] An expired message is deleted.
    if (!this.#pending.has(topic)) void this.journal.write(() => this.#table.delete(topic));
    return undefined;
  }
}

function publicFields({ payload, qos, lastModified, properties }: RetainedRecord) {
  return { payload, qos, lastModified, properties };
}

/** The topics of both, each once, in order. */
function* merge(kept: Iterable<[string, unknown]>, added: readonly string[]): Iterable<string> {
  let index = 0;
  for (const [topic] of kept) {
    for (let next = added[index]; next !== undefined && next <= topic; next = added[index]) {
      if (next < topic) yield next;
      index += 1;
    }
    yield topic;
  }
  yield* added.slice(index);
}
