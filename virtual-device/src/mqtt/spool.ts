import type { IClientPublishOptions } from 'mqtt';

/** A QoS 1 message until AWS IoT Core has acknowledged it. */
export interface SpooledMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly options: IClientPublishOptions;
  /** Connections that ended while the message was on its way. */
  attempts: number;
}

/**
 * The QoS 1 messages that still have to reach AWS IoT Core, oldest first, bounded in bytes as the
 * nucleus's in-memory spooler (`mqtt.spooler.maxSizeInBytes`).
 */
export class Spool {
  readonly #waiting: SpooledMessage[] = [];
  readonly #sent = new Set<SpooledMessage>();
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** @returns whether there was room */
  add(message: SpooledMessage): boolean {
    if (this.#bytes + size(message) > this.maxBytes) return false;
    this.#bytes += size(message);
    this.#waiting.push(message);
    return true;
  }

  /** Takes the oldest waiting message to be sent; it stays spooled until {@link settle} or {@link requeue}. */
  take(): SpooledMessage | undefined {
    const message = this.#waiting.shift();
    if (message) this.#sent.add(message);
    return message;
  }

  /** The message was acknowledged, or is given up. */
  settle(message: SpooledMessage): void {
    if (this.#sent.delete(message)) this.#bytes -= size(message);
  }

  /**
   * The connection ended: what was not acknowledged goes first next time, in its order.
   *
   * @returns messages that are given up, having been on their way during `maxAttempts` lost connections
   */
  requeue(maxAttempts: number): SpooledMessage[] {
    const again: SpooledMessage[] = [];
    const givenUp: SpooledMessage[] = [];
    for (const message of [...this.#sent]) {
      message.attempts++;
      (message.attempts < maxAttempts ? again : givenUp).push(message);
    }
    for (const message of givenUp) this.settle(message);
    this.#sent.clear();
    this.#waiting.unshift(...again);
    return givenUp;
  }

  get inFlight(): number {
    return this.#sent.size;
  }

  get length(): number {
    return this.#waiting.length + this.#sent.size;
  }
}

function size(message: SpooledMessage): number {
  return message.payload.length + message.topic.length;
}
