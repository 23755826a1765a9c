import { type Delivery, DeliveryQueue } from './delivery-queue.js';
import type { BrokerLimits } from './limits.js';
import type { Publication } from './publication.js';
import { type SessionRecord, type SessionStore, sessionOwner } from './session-store.js';
import type { Filter } from './topic.js';

/** A subscription of a session. */
export interface Subscription {
  readonly session: Session;
  /** As the client named it. */
  readonly text: string;
  readonly filter: Filter;
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
}

/** The way to a client that is connected. */
export interface Outlet {
  /** QoS 1 messages it takes without acknowledging one (Receive Maximum). */
  readonly window: number;
  /** Whether QoS 1 messages may be sent now; it calls `pump` when that changes to true. */
  readonly ready: boolean;
  /** Whether `iot:Receive` allows the topic. */
  receives(topic: string): boolean;
  /** Returns false when the packet is larger than the client accepts; QoS 0 may be dropped. */
  send(publication: Publication, qos: 0 | 1, retain: boolean, packetId: number, dup: boolean): boolean;
}

/** The state that belongs to a client id (MQTT 5 section 4.1): subscriptions, and messages not yet acknowledged. */
export class Session {
  readonly subscriptions = new Map<string, Subscription>();
  outlet: Outlet | undefined;
  /** Milliseconds since 1970; undefined while connected. */
  disconnectedAt: number | undefined;
  /** Prevents what is due after the session was disconnected: its end. */
  cancelExpiry: (() => void) | undefined;
  /** Prevents the delayed will; publishes it when the session ends before. */
  delayedWill: { cancel(): void; publish(): void } | undefined;
  readonly #queue: DeliveryQueue;
  readonly #inFlight = new Map<number, Delivery>();
  #lastPacketId = 0;

  constructor(
    readonly clientId: string,
    readonly family: 3 | 5,
    /** Seconds that it outlives its connection; 0 ends it with that. */
    public expiry: number,
    private readonly store: SessionStore,
    limits: BrokerLimits,
    private readonly now: () => number,
  ) {
    this.#queue = new DeliveryQueue(limits);
  }

  get persistent(): boolean {
    return this.expiry > 0;
  }

  get record(): SessionRecord {
    return {
      family: this.family,
      expiry: this.expiry,
      disconnectedAt: this.disconnectedAt,
      subscriptions: [...this.subscriptions.values()].map(({ text, qos, noLocal, retainAsPublished }) => ({
        filter: text,
        qos,
        noLocal,
        retainAsPublished,
      })),
    };
  }

  /** Resolves when the session is kept as it is now; at once when it is not to be kept. */
  save(): Promise<void> | undefined {
    return this.persistent ? this.store.putSession(this.clientId, this.record) : undefined;
  }

  /** Takes over what was kept when the broker last ran. */
  restore(): void {
    for (const { key, publication, retain } of this.store.deliveries(sessionOwner(this.clientId))) {
      this.#queue.push({ publication, retain, key, packetId: 0 });
    }
  }

  /**
   * Delivers a message, or queues it (QoS 1). Returns undefined when nothing needs to be kept, else what resolves
   * when it is; false when the queue is full and the message is dropped.
   */
  deliver(publication: Publication, qos: 0 | 1, retain: boolean): Promise<void> | undefined | false {
    if (qos === 0) {
      const { outlet } = this;
      if (outlet?.receives(publication.topic)) outlet.send(publication, 0, retain, 0, false);
      return undefined;
    }
    if (this.#queue.full(publication.payload.length)) return false;
    publication.own();
    const key = this.persistent ? this.store.nextKey(sessionOwner(this.clientId)) : undefined;
    const kept = key === undefined ? undefined : this.store.putMessage(key, publication, retain);
    this.#queue.push({ publication, retain, key, packetId: 0 });
    this.pump();
    return kept;
  }

  /** [MQTT-4.6.0-5] [MQTT-4.6.0-6] Sends queued messages, in their order, while the client takes them. */
  pump(): void {
    const { outlet } = this;
    // [MQTT-3.3.4-9] [MQTT-4.9.0-2] No more than Receive Maximum without PUBACK.
    while (outlet?.ready && this.#queue.size > 0 && this.#inFlight.size < outlet.window) {
      const delivery = this.#queue.shift();
      if (!delivery) return;
      const { publication, retain } = delivery;
      // [MQTT-3.3.2-5] An expired message is not sent, nor one that the client may not receive.
      if (publication.expired(this.now()) || !outlet.receives(publication.topic)) {
        this.#forget(delivery);
        continue;
      }
      // [MQTT-3.3.1-1] [MQTT-4.4.0-1] A repetition has DUP and its first packet identifier; [MQTT-4.3.2-2] else no DUP.
      const dup = delivery.packetId !== 0;
      if (!dup) delivery.packetId = this.#freePacketId();
      this.#inFlight.set(delivery.packetId, delivery);
      // [MQTT-3.1.2-25] What is too large for the client is discarded as if it had been sent.
      if (outlet.send(publication, 1, retain, delivery.packetId, dup)) continue;
      this.#inFlight.delete(delivery.packetId);
      this.#forget(delivery);
    }
  }

  /** PUBACK, with whatever reason code: [MQTT-4.4.0-2] the message is not sent again. */
  acknowledge(packetId: number): void {
    const delivery = this.#inFlight.get(packetId);
    if (!delivery) return;
    this.#inFlight.delete(packetId);
    this.#forget(delivery);
    this.pump();
  }

  attach(outlet: Outlet): void {
    this.outlet = outlet;
    this.disconnectedAt = undefined;
  }

  detach(): void {
    this.outlet = undefined;
    this.disconnectedAt = this.now();
    // [MQTT-4.6.0-1] What is not acknowledged is sent again, in the order in which it was sent.
    this.#queue.unshift([...this.#inFlight.values()]);
    this.#inFlight.clear();
  }

  /**
   * What an ended connection left of a session that turns from one that ends with its connection into a
   * persistent one, or back, is kept or forgotten accordingly.
   */
  setExpiry(seconds: number): void {
    const before = this.persistent;
    this.expiry = seconds;
    if (before && !this.persistent) this.store.deleteSession(this.clientId);
  }

  #forget(delivery: Delivery): void {
    if (delivery.key !== undefined) this.store.deleteMessage(delivery.key);
  }

  #freePacketId(): number {
    // [MQTT-2.2.1-4] Not zero and not in use.
    do {
      this.#lastPacketId = this.#lastPacketId === 0xffff ? 1 : this.#lastPacketId + 1;
    } while (this.#inFlight.has(this.#lastPacketId));
    return this.#lastPacketId;
  }
}
