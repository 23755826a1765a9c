import { randomBytes, randomUUID } from 'node:crypto';
import type { Base } from '../../plugin.js';
import { key, secondParts } from '../../store/store.js';
import { refuse } from './errors.js';
import type { MessageAttributes } from './message-attributes.js';
import { numberOf, redrivePolicyOf } from './queue-attributes.js';
import type { Queue, Queues } from './queues.js';

/** A message as it is kept. Times are milliseconds since 1970. */
export interface StoredMessage {
  readonly id: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly senderId: string;
  readonly sentAt: number;
  /** From then on it can be received: after its delay, or the visibility timeout of its last reception. */
  readonly visibleAt: number;
  readonly receiveCount: number;
  readonly firstReceivedAt?: number;
  readonly traceHeader?: string;
  /** ARN of the queue that it is a dead letter of. */
  readonly deadLetterSource?: string;
}

export interface NewMessage {
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly senderId: string;
  /** Seconds. */
  readonly delay: number;
  readonly traceHeader?: string;
}

export interface MessageCounts {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** The messages of all queues. */
export interface Messages {
  send(queue: Queue, message: NewMessage): { id: string };
  /**
   * Receives up to `most` messages that are visible; what was received too often goes to the dead letter queue.
   *
   * @param visibilityTimeout seconds.
   */
  take(queue: Queue, most: number, visibilityTimeout: number): (StoredMessage & { receiptHandle: string })[];
  /** When the next message becomes visible, in milliseconds since 1970; undefined when none waits for a time. */
  nextVisible(queue: Queue): number | undefined;
  /** @throws ReceiptHandleIsInvalid. A message that is gone already is no error. */
  delete(queue: Queue, receiptHandle: string): void;
  /**
   * @param timeout seconds from now on.
   * @throws ReceiptHandleIsInvalid, MessageNotInflight, AwsError `InvalidParameterValue`.
   */
  changeVisibility(queue: Queue, receiptHandle: string, timeout: number): void;
  count(queue: Queue): MessageCounts;
  /** Deletes all messages of a queue. */
  clear(queue: Queue): void;
  /** Calls `listener` whenever a queue got a message, or one of its messages became visible before its time. */
  listen(queue: Queue, listener: () => void): () => void;
}

/** What is known of a message without reading it. */
interface Entry {
  visibleAt: number;
  sentAt: number;
  wasReceived: boolean;
}

export function sqsMessages({ store, clock }: Base, queues: Queues): Messages {
  const table = store.table<StoredMessage>('sqs.messages');
  /** The messages of the queues that were used since the start, in the order in which they were sent. */
  const indexes = new Map<string, Map<string, Entry>>();
  /** No message of a queue was sent before; so that not all of them are looked at to see whether one expired. */
  const oldest = new Map<string, number>();
  const listeners = new Map<string, Set<() => void>>();
  let counter = 0;

  const entryOf = ({ visibleAt, sentAt, receiveCount }: StoredMessage): Entry => ({
    visibleAt,
    sentAt,
    wasReceived: receiveCount > 0,
  });

  function indexOf({ id }: Queue): Map<string, Entry> {
    let index = indexes.get(id);
    if (!index) {
      index = new Map();
      for (const [sequence, message] of secondParts(table, id)) index.set(sequence, entryOf(message));
      indexes.set(id, index);
    }
    return index;
  }

  function keep(queue: Queue, sequence: string, message: StoredMessage): void {
    table.put(key(queue.id, sequence), message);
    indexOf(queue).set(sequence, entryOf(message));
    const known = oldest.get(queue.id);
    if (known !== undefined) oldest.set(queue.id, Math.min(known, message.sentAt));
  }

  function remove(queue: Queue, sequence: string): void {
    table.delete(key(queue.id, sequence));
    indexOf(queue).delete(sequence);
  }

  /** Sorts as messages were sent, and is never the same twice. */
  function nextSequence(): string {
    counter += 1;
    return [
      String(clock.now()).padStart(15, '0'),
      String(counter).padStart(9, '0'),
      randomBytes(4).toString('hex'),
    ].join('-');
  }

  function notify({ id }: Queue): void {
    for (const listener of [...(listeners.get(id) ?? [])]) listener();
  }

  /** Forgets what was kept for longer than the queue keeps messages. */
  function expire(queue: Queue): void {
    const limit = clock.now() - numberOf(queue.attributes, 'MessageRetentionPeriod') * 1000;
    if ((oldest.get(queue.id) ?? 0) > limit) return;
    let first = clock.now();
    for (const [sequence, { sentAt }] of indexOf(queue)) {
      // Dead letters keep the time at which they were sent first, and so stand in no order.
      if (sentAt <= limit) remove(queue, sequence);
      else first = Math.min(first, sentAt);
    }
    oldest.set(queue.id, first);
  }

  /** A message can be deleted with the handle of any of its receptions, as standard queues allow. */
  function sequenceOf(queue: Queue, handle: string): string {
    const [id, sequence = '', receipt = '', ...more] = Buffer.from(handle, 'base64')
      .toString('utf8')
      .split(' ');
    if (id !== queue.id || receipt === '' || more.length > 0) throw refuse.receipt(handle);
    return sequence;
  }

  return {
    send(queue, { delay, ...content }) {
      const sentAt = clock.now();
      const message = {
        id: randomUUID(),
        ...content,
        sentAt,
        visibleAt: sentAt + delay * 1000,
        receiveCount: 0,
      };
      keep(queue, nextSequence(), message);
      notify(queue);
      return { id: message.id };
    },
    take(queue, most, visibilityTimeout) {
      const now = clock.now();
      const redrive = redrivePolicyOf(queue.attributes);
      const deadLetters = redrive && queues.byArn(redrive.deadLetterTargetArn);
      let hasDeadLetters = false;
      const taken = store.transaction(() => {
        expire(queue);
        const result: (StoredMessage & { receiptHandle: string })[] = [];
        for (const [sequence, { visibleAt }] of indexOf(queue)) {
          if (result.length === most) break;
          if (visibleAt > now) continue;
          const message = table.get(key(queue.id, sequence));
          if (!message) continue;
          if (redrive && deadLetters && message.receiveCount >= redrive.maxReceiveCount) {
            const { firstReceivedAt: _, ...dead } = message;
            remove(queue, sequence);
            keep(deadLetters, nextSequence(), {
              ...dead,
              receiveCount: 0,
              visibleAt: now,
              deadLetterSource: queue.arn,
            });
            hasDeadLetters = true;
            continue;
          }
          const received: StoredMessage = {
            ...message,
            receiveCount: message.receiveCount + 1,
            firstReceivedAt: message.firstReceivedAt ?? now,
            visibleAt: now + visibilityTimeout * 1000,
          };
          keep(queue, sequence, received);
          const receiptHandle = Buffer.from(`${queue.id} ${sequence} ${randomUUID()}`).toString('base64');
          result.push({ ...received, receiptHandle });
        }
        return result;
      });
      if (hasDeadLetters && deadLetters) notify(deadLetters);
      return taken;
    },
    nextVisible(queue) {
      const now = clock.now();
      let next: number | undefined;
      for (const { visibleAt } of indexOf(queue).values()) {
        if (visibleAt > now && (next === undefined || visibleAt < next)) next = visibleAt;
      }
      return next;
    },
    delete(queue, receiptHandle) {
      const sequence = sequenceOf(queue, receiptHandle);
      remove(queue, sequence);
    },
    changeVisibility(queue, receiptHandle, timeout) {
      const sequence = sequenceOf(queue, receiptHandle);
      const message = table.get(key(queue.id, sequence));
      if (!message) throw refuse.staleReceipt(receiptHandle);
      if (message.visibleAt <= clock.now()) throw refuse.notInflight();
      keep(queue, sequence, { ...message, visibleAt: clock.now() + timeout * 1000 });
      // Receivers that wait have to reckon with another time.
      notify(queue);
    },
    count(queue) {
      expire(queue);
      const now = clock.now();
      const counts = { visible: 0, inFlight: 0, delayed: 0 };
      for (const { visibleAt, wasReceived } of indexOf(queue).values()) {
        if (visibleAt <= now) counts.visible += 1;
        else if (wasReceived) counts.inFlight += 1;
        else counts.delayed += 1;
      }
      return counts;
    },
    clear(queue) {
      store.transaction(() => {
        for (const sequence of [...indexOf(queue).keys()]) remove(queue, sequence);
      });
      indexes.delete(queue.id);
      oldest.delete(queue.id);
      notify(queue);
    },
    listen({ id }, listener) {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0) listeners.delete(id);
      };
    },
  };
}
