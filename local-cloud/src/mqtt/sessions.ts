import type { BrokerLimits } from './limits.js';
import type { Publication } from './publication.js';
import { Session, type Subscription } from './session.js';
import type { SessionStore, SubscriptionRecord } from './session-store.js';
import { SharedGroup } from './shared-group.js';
import { SubscriptionTree } from './subscription-tree.js';
import type { TimerWheel } from './timer-wheel.js';
import { type Filter, parseFilter } from './topic.js';

/** Every session, by client id, and who is subscribed to what. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #groups = new Map<string, SharedGroup>();
  readonly #tree = new SubscriptionTree<Subscription | SharedGroup>();

  constructor(
    private readonly store: SessionStore,
    private readonly limits: BrokerLimits,
    private readonly wheel: TimerWheel,
    private readonly now: () => number,
    /** Told of messages that a full queue did not take. */
    private readonly dropped: (owner: string, publication: Publication) => void,
  ) {
    for (const [clientId, record] of [...store.sessions()]) {
      const session = this.#create(clientId, record.family, record.expiry);
      session.disconnectedAt = record.disconnectedAt ?? now();
      for (const subscription of record.subscriptions) {
        this.#insert(session, subscription, parseFilter(subscription.filter, NO_LIMITS));
      }
      session.restore();
      this.#scheduleEnd(session);
    }
    for (const group of this.#groups.values()) group.restore();
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  /** The session for a CONNECT: the one there is, or a new one. The caller has disconnected its former connection. */
  open(clientId: string, family: 3 | 5, cleanStart: boolean, expiry: number) {
    const existing = this.#sessions.get(clientId);
    // [MQTT-3.1.2-5] Resumed; [MQTT-3.1.2-4] discarded with Clean Start; [MQTT-3.1.2-6] new when there is none.
    if (existing && !cleanStart && existing.family === family) {
      existing.cancelExpiry?.();
      // [MQTT-3.1.3-9] The will of the former connection is not published when its delay had not passed.
      existing.delayedWill?.cancel();
      existing.setExpiry(expiry);
      return { session: existing, present: true };
    }
    if (existing) this.end(existing);
    return { session: this.#create(clientId, family, expiry), present: false };
  }

  /** A connection has begun: what waited for a member of its groups goes to it. */
  online(session: Session): void {
    session.pump();
    for (const { filter } of session.subscriptions.values()) this.#group(filter)?.drain();
  }

  /** A connection has ended: the session ends with it or stays until it expires. */
  offline(session: Session): void {
    session.detach();
    // [MQTT-3.1.2-23] Kept, and [MQTT-4.1.0-2] discarded when the Session Expiry Interval has passed.
    if (!session.persistent) {
      this.end(session);
      return;
    }
    this.#scheduleEnd(session);
    void session.save()?.catch(() => {});
  }

  end(session: Session): void {
    session.cancelExpiry?.();
    for (const text of [...session.subscriptions.keys()]) this.unsubscribe(session, text);
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
    if (session.persistent) this.store.deleteSession(session.clientId);
    session.delayedWill?.publish();
  }

  /** [MQTT-3.8.4-3] Replaces a subscription to the same filter; returns whether there was one. */
  subscribe(session: Session, subscription: SubscriptionRecord, filter: Filter): boolean {
    const existed = session.subscriptions.has(subscription.filter);
    if (existed) this.unsubscribe(session, subscription.filter);
    this.#insert(session, subscription, filter);
    this.#group(filter)?.drain();
    return existed;
  }

  /** Returns whether there was such a subscription. */
  unsubscribe(session: Session, text: string): boolean {
    const subscription = session.subscriptions.get(text);
    if (!subscription) return false;
    session.subscriptions.delete(text);
    const group = this.#group(subscription.filter);
    if (!group) {
      this.#tree.delete(subscription.filter.filter, subscription);
    } else {
      group.members.delete(session);
      if (group.members.size === 0) this.#drop(group, subscription.filter);
    }
    return true;
  }

  /**
   * Adds a message to the session of everyone who subscribed to its topic, or only to `addressee` if it did. Returns
   * what resolves when it is kept for all of them who have a persistent session; undefined when there are none.
   */
  route(publication: Publication, addressee?: Session): Promise<void> | undefined {
    const matching = this.#tree.match(publication.topic);
    const found = addressee ? subscriptionsOf(addressee, matching) : matching;
    if (found.length === 0) return undefined;
    let kept: Promise<void> | undefined;
    // All that is written in one turn is kept by the same batch, so the last promise stands for all.
    const delivered = (owner: string, result: Promise<void> | undefined | false) => {
      if (result === false) this.dropped(owner, publication);
      else kept = result ?? kept;
    };
    // [MQTT-3.3.4-2] Once for a client, with the highest QoS of its subscriptions that match.
    const several = found.length > 1 ? new Map<Session, { qos: 0 | 1; retain: boolean }>() : undefined;
    for (const subscriber of found) {
      if (subscriber instanceof SharedGroup) {
        delivered(subscriber.name, subscriber.deliver(publication));
        continue;
      }
      const { session, noLocal, retainAsPublished } = subscriber;
      // [MQTT-3.8.3-3] Not to the publisher itself.
      if (noLocal && session.clientId === publication.publisher) continue;
      // [MQTT-3.8.4-8] The lower of the published and the granted QoS.
      const qos = Math.min(publication.qos, subscriber.qos) as 0 | 1;
      // [MQTT-3.3.1-12] [MQTT-3.3.1-13] RETAIN is forwarded only with Retain As Published.
      const retain = publication.retain && retainAsPublished;
      if (several) {
        const other = several.get(session);
        several.set(session, {
          qos: Math.max(qos, other?.qos ?? 0) as 0 | 1,
          retain: retain || (other?.retain ?? false),
        });
      } else {
        delivered(session.clientId, session.deliver(publication, qos, retain));
      }
    }
    for (const [session, { qos, retain }] of several ?? []) {
      delivered(session.clientId, session.deliver(publication, qos, retain));
    }
    return kept;
  }

  #create(clientId: string, family: 3 | 5, expiry: number): Session {
    const session = new Session(clientId, family, expiry, this.store, this.limits, this.now);
    this.#sessions.set(clientId, session);
    return session;
  }

  #insert(session: Session, record: SubscriptionRecord, filter: Filter): void {
    const { filter: text, qos, noLocal, retainAsPublished } = record;
    const subscription = { session, text, filter, qos, noLocal, retainAsPublished };
    session.subscriptions.set(text, subscription);
    if (filter.shareName === undefined) {
      this.#tree.add(filter.filter, subscription);
      return;
    }
    let group = this.#group(filter);
    if (!group) {
      const name = groupName(filter);
      group = new SharedGroup(name, this.store, this.limits, this.now);
      this.#groups.set(name, group);
      this.#tree.add(filter.filter, group);
    }
    group.members.set(session, subscription);
  }

  #group(filter: Filter): SharedGroup | undefined {
    return filter.shareName === undefined ? undefined : this.#groups.get(groupName(filter));
  }

  #drop(group: SharedGroup, filter: Filter): void {
    this.#groups.delete(group.name);
    this.#tree.delete(filter.filter, group);
    this.store.deleteGroup(group.name);
  }

  #scheduleEnd(session: Session): void {
    const from = session.disconnectedAt ?? this.now();
    session.cancelExpiry = this.wheel.at(from + session.expiry * 1000, () => this.end(session));
  }
}

/** For what was accepted before, when the limits were perhaps others. */
const NO_LIMITS = {
  topic: Number.POSITIVE_INFINITY,
  slashes: Number.POSITIVE_INFINITY,
  shareName: Number.POSITIVE_INFINITY,
};

/** Those of one session; its share of a group is one of its subscriptions too. */
function subscriptionsOf(session: Session, found: readonly (Subscription | SharedGroup)[]): Subscription[] {
  return found.flatMap((subscriber) => {
    const subscription = subscriber instanceof SharedGroup ? subscriber.members.get(session) : subscriber;
    return subscription?.session === session ? [subscription] : [];
  });
}

function groupName({ shareName, filter }: Filter): string {
  return `${shareName}/${filter}`;
}
