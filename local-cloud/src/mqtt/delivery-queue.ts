import type { BrokerLimits } from './limits.js';
import type { Publication } from './publication.js';

/** A QoS 1 message for one session or shared subscription group. */
export interface Delivery {
  readonly publication: Publication;
  /** The RETAIN flag it is to be sent with. */
  readonly retain: boolean;
  /** Its key in the store; undefined when it is not kept there. */
  readonly key: string | undefined;
  /** Given when it is first sent; a delivery that has one is a repetition. */
  packetId: number;
}

/** First in, first out, up to the limits of a queue. */
export class DeliveryQueue {
  #items: (Delivery | undefined)[] = [];
  #first = 0;
  #bytes = 0;

  constructor(private readonly limits: Pick<BrokerLimits, 'queuedMessages' | 'queuedBytes'>) {}

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** Whether another message of that many bytes would be above the limits. */
  full(bytes: number): boolean {
    return this.size >= this.limits.queuedMessages || this.#bytes + bytes > this.limits.queuedBytes;
  }

  push(delivery: Delivery): void {
    this.#items.push(delivery);
    this.#bytes += delivery.publication.payload.length;
  }

  /** Puts what was taken out back to the front, whatever the limits. */
  unshift(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    this.#items = [...deliveries, ...this.#items.slice(this.#first)];
    this.#first = 0;
    for (const { publication } of deliveries) this.#bytes += publication.payload.length;
  }

  peek(): Delivery | undefined {
    return this.#items[this.#first];
  }

  shift(): Delivery | undefined {
    const item = this.#items[this.#first];
    if (!item) return undefined;
    this.#items[this.#first] = undefined;
    this.#first += 1;
    this.#bytes -= item.publication.payload.length;
    // Amortised: the empty front is cut off when it is half of all.
    if (this.#first > 32 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    } else if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    }
    return item;
  }

  *[Symbol.iterator](): Iterator<Delivery> {
    for (let index = this.#first; index < this.#items.length; index += 1) {
      const item = this.#items[index];
      if (item) yield item;
    }
  }
}
