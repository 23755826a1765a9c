/** Publish and subscribe between the components of one device, with MQTT's topic wildcards. */
import { topicMatches } from '../mqtt/topic-filter.js';

export interface LocalSubscription {
  /** A topic, or a filter with `+` and `#` as whole levels. */
  readonly filter: string;
  readonly subscriber: string;
  readonly receiveMode: 'RECEIVE_ALL_MESSAGES' | 'RECEIVE_MESSAGES_FROM_OTHERS';
}

/** @typeParam Message whatever publishers hand to subscribers */
export class LocalPubSub<Message> {
  /** By filter; most topics are subscribed to by their name and found at once. */
  readonly #byTopic = new Map<string, Set<Entry<Message>>>();
  readonly #byWildcard = new Map<string, Set<Entry<Message>>>();

  /** @returns ends the subscription */
  subscribe(subscription: LocalSubscription, deliver: (message: Message) => void): () => void {
    const subscriptions = hasWildcard(subscription.filter) ? this.#byWildcard : this.#byTopic;
    const entry: Entry<Message> = { ...subscription, deliver };
    const sameFilter = subscriptions.get(entry.filter) ?? new Set();
    subscriptions.set(entry.filter, sameFilter.add(entry));
    return () => {
      sameFilter.delete(entry);
      if (sameFilter.size === 0 && subscriptions.get(entry.filter) === sameFilter) {
        subscriptions.delete(entry.filter);
      }
    };
  }

  /** Delivers to each subscription once, in no particular order, and in the order of publication. */
  publish(topic: string, publisher: string, message: Message): void {
    const matching = [...(this.#byTopic.get(topic) ?? [])];
    for (const [filter, entries] of this.#byWildcard) {
      if (topicMatches(filter, topic)) matching.push(...entries);
    }
    for (const { subscriber, receiveMode, deliver } of matching) {
      if (receiveMode === 'RECEIVE_MESSAGES_FROM_OTHERS' && subscriber === publisher) continue;
      deliver(message);
    }
  }
}

interface Entry<Message> extends LocalSubscription {
  readonly deliver: (message: Message) => void;
}

/** Whether a filter reaches more than one topic: with a level `+`, or a last level `#`. */
export function hasWildcard(filter: string): boolean {
  const levels = filter.split('/');
  const last = levels.pop();
  // Elsewhere a # means nothing: such a filter is a topic like any other, which nobody publishes to.
  return !levels.includes('#') && (last === '#' || last === '+' || levels.includes('+'));
}
