import { DeliveryQueue } from './delivery-queue.js';
import type { BrokerLimits } from './limits.js';
import type { Publication } from './publication.js';
import type { Session, Subscription } from './session.js';
import { groupOwner, type SessionStore } from './session-store.js';

/**
 * The subscribers of one shared subscription. Each message goes to one of them that is connected, by chance. While
 * none is, QoS 1 messages are kept for the group if one of its sessions is persistent (AWS IoT Core, "Shared
 * subscriptions message queuing").
 */
export class SharedGroup {
  readonly members = new Map<Session, Subscription>();
  readonly #queue: DeliveryQueue;

  constructor(
    /** `{ShareName}/{TopicFilter}` */
    readonly name: string,
    private readonly store: SessionStore,
    limits: BrokerLimits,
    private readonly now: () => number,
  ) {
    this.#queue = new DeliveryQueue(limits);
  }

  /** Takes over what was kept when the broker last ran. */
  restore(): void {
    for (const { key, publication, retain } of this.store.deliveries(groupOwner(this.name))) {
      this.#queue.push({ publication, retain, key, packetId: 0 });
    }
  }

  /** As `Session.deliver`. */
  deliver(publication: Publication): Promise<void> | undefined | false {
    const member = this.#choose();
    if (member) return deliverTo(member, publication);
    const keeps = [...this.members.values()].some(({ session, qos }) => session.persistent && qos === 1);
    if (publication.qos === 0 || !keeps) return undefined;
    if (this.#queue.full(publication.payload.length)) return false;
    publication.own();
    const key = this.store.nextKey(groupOwner(this.name));
    const kept = this.store.putMessage(key, publication, publication.retain);
    this.#queue.push({ publication, retain: publication.retain, key, packetId: 0 });
    return kept;
  }

  /** Hands what was kept to the members that are connected. */
  drain(): void {
    while (this.#queue.size > 0) {
      const member = this.#choose();
      const delivery = member && this.#queue.shift();
      if (!delivery) return;
      if (!delivery.publication.expired(this.now())) deliverTo(member, delivery.publication);
      if (delivery.key !== undefined) this.store.deleteMessage(delivery.key);
    }
  }

  #choose(): Subscription | undefined {
    const connected = [...this.members.values()].filter(({ session }) => session.outlet);
    return connected[Math.floor(Math.random() * connected.length)];
  }
}

function deliverTo(subscription: Subscription, publication: Publication) {
  // [MQTT-4.8.2-3] The granted QoS holds for shared subscriptions too.
  const qos = Math.min(publication.qos, subscription.qos) as 0 | 1;
  return subscription.session.deliver(publication, qos, publication.retain && subscription.retainAsPublished);
}
