import { DeviceError, messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import type { JournalEntry, SpoolJournal } from './spool-journal.js';
import type { SpooledMessage } from './spooled-message.js';

/** A message that was taken to be sent. */
export interface Dispatch extends SpooledMessage {
  readonly id: symbol;
}

export interface SpoolOptions {
  /** `mqtt.spooler.maxSizeInBytes`: topics and payloads together. */
  readonly maxBytes: number;
  /** `mqtt.spooler.keepQos0WhenOffline` */
  readonly keepQos0WhenOffline: boolean;
  /** Keeps the messages over restarts (`mqtt.spooler.storageType: Disk`); without it they are in memory. */
  readonly journal?: { readonly journal: SpoolJournal; readonly entries: readonly JournalEntry[] };
  readonly log: Log;
}

interface Entry {
  readonly id: symbol;
  readonly qos: 0 | 1;
  readonly size: number;
  /** In memory, or its number in the journal. */
  readonly message: SpooledMessage | number;
  /** Connections that ended while the message was on its way. */
  attempts: number;
}

/**
 * The messages that still have to reach AWS IoT Core, oldest first, by the rules of the nucleus's spooler:
 * when it is full the oldest QoS 0 messages make room, and when that is not enough the new message is
 * refused; without a connection QoS 0 messages are only kept when it is told to. Unlike the nucleus, topics
 * count too, so that messages without payload are bounded as well.
 */
export class Spool {
  #waiting: Entry[] = [];
  readonly #sent = new Set<Entry>();
  #bytes = 0;
  #isOnline = false;
  #diskFailed = false;

  constructor(private readonly options: SpoolOptions) {
    for (const entry of options.journal?.entries ?? []) {
      const size = entry.topicBytes + entry.payloadBytes;
      this.#bytes += size;
      this.#waiting.push({ id: Symbol(), qos: entry.qos, size, message: entry.id, attempts: 0 });
    }
  }

  /**
   * Adds a message, which can be taken at once; resolves when it is as safe as the spool makes it.
   *
   * @throws DeviceError SPOOL_FULL, or OFFLINE for a QoS 0 message that is not kept without a connection
   */
  async add(message: SpooledMessage): Promise<void> {
    const { maxBytes, keepQos0WhenOffline } = this.options;
    const qos = message.options.qos === 1 ? 1 : 0;
    if (qos === 0 && !this.#isOnline && !keepQos0WhenOffline) {
      throw new DeviceError(
        'OFFLINE',
        `The device is offline; the QoS 0 message to ${message.topic} is dropped.`,
      );
    }
    const size = Buffer.byteLength(message.topic) + message.payload.length;
    if (size <= maxBytes) this.#makeRoom(size);
    if (this.#bytes + size > maxBytes) {
      throw new DeviceError(
        'SPOOL_FULL',
        `The spool for AWS IoT Core is full (${this.#bytes} of ${maxBytes} bytes); the message to ${message.topic} is dropped.`,
      );
    }
    this.#bytes += size;
    const stored = qos === 1 || keepQos0WhenOffline ? this.#store(message) : message;
    this.#waiting.push({ id: Symbol(), qos, size, message: stored, attempts: 0 });
    if (typeof stored === 'number') await this.#flushed();
  }

  /** Takes the oldest waiting message to be sent; it stays spooled until {@link settle} or {@link requeue}. */
  take(): Dispatch | undefined {
    for (;;) {
      const entry = this.#waiting.shift();
      if (!entry) return undefined;
      this.#sent.add(entry);
      const message = typeof entry.message === 'number' ? this.#read(entry.message) : entry.message;
      if (message) return { ...message, id: entry.id };
      this.#forget(entry);
    }
  }

  /** The message was acknowledged, or is given up. */
  settle(id: symbol): void {
    for (const entry of this.#sent) {
      if (entry.id !== id) continue;
      this.#forget(entry);
      return;
    }
  }

  /** The device is connected: QoS 0 messages are taken too. */
  online(): void {
    this.#isOnline = true;
  }

  /**
   * The connection ended: what was not acknowledged goes first next time, in its order. QoS 0 messages that
   * are not kept are dropped.
   *
   * @param maxAttempts lost connections during which a message was on its way that make it be given up
   * @returns how many were given up
   */
  offline(maxAttempts: number): number {
    this.#isOnline = false;
    const again: Entry[] = [];
    let givenUp = 0;
    for (const entry of [...this.#sent]) {
      entry.attempts++;
      if (entry.qos === 0 || entry.attempts >= maxAttempts) {
        if (entry.qos === 1) givenUp++;
        this.#forget(entry);
      } else again.push(entry);
    }
    this.#sent.clear();
    this.#waiting = [...again, ...this.#waiting];
    if (!this.options.keepQos0WhenOffline) this.#dropQos0(Number.POSITIVE_INFINITY);
    return givenUp;
  }

  get inFlight(): number {
    return this.#sent.size;
  }

  get length(): number {
    return this.#waiting.length + this.#sent.size;
  }

  close(): void {
    this.options.journal?.journal.close();
  }

  #makeRoom(size: number): void {
    const excess = this.#bytes + size - this.options.maxBytes;
    if (excess <= 0) return;
    const dropped = this.#dropQos0(excess);
    if (dropped > 0) {
      this.options.log('warn', `The spool is full: dropped the ${dropped} oldest QoS 0 messages`);
    }
  }

  /** Drops the oldest waiting QoS 0 messages until so many bytes are free. @returns how many */
  #dropQos0(bytes: number): number {
    let left = bytes;
    const dropped = this.#waiting.filter((entry) => {
      if (entry.qos === 1 || left <= 0) return false;
      left -= entry.size;
      return true;
    });
    if (dropped.length === 0) return 0;
    const gone = new Set(dropped);
    this.#waiting = this.#waiting.filter((entry) => !gone.has(entry));
    for (const entry of dropped) this.#forget(entry);
    return dropped.length;
  }

  #forget(entry: Entry): void {
    this.#sent.delete(entry);
    this.#bytes -= entry.size;
    if (typeof entry.message !== 'number') return;
    try {
      this.options.journal?.journal.settle(entry.message);
    } catch (error) {
      this.#reportDisk(error);
    }
  }

  #store(message: SpooledMessage): SpooledMessage | number {
    const journal = this.options.journal?.journal;
    if (!journal) return message;
    try {
      const { id } = journal.append(message);
      this.#diskFailed = false;
      return id;
    } catch (error) {
      this.#reportDisk(error);
      return message;
    }
  }

  #read(id: number): SpooledMessage | undefined {
    try {
      const message = this.options.journal?.journal.read(id);
      if (message) return message;
      this.options.log('error', 'A spooled message cannot be read any more; it is dropped');
    } catch (error) {
      this.options.log('error', `A spooled message cannot be read; it is dropped: ${messageOf(error)}`);
    }
    return undefined;
  }

  async #flushed(): Promise<void> {
    try {
      await this.options.journal?.journal.flush();
    } catch (error) {
      this.#reportDisk(error);
    }
  }

  /** As the nucleus: messages that the disk does not take are kept in memory. */
  #reportDisk(error: unknown): void {
    if (this.#diskFailed) return;
    this.#diskFailed = true;
    this.options.log(
      'warn',
      `The message spool on disk fails, so messages are kept in memory: ${messageOf(error)}`,
    );
  }
}
