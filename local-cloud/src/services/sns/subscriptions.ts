import { randomBytes, randomUUID } from 'node:crypto';
import type { Base } from '../../plugin.js';
import { key, secondParts } from '../../store/store.js';
import { refuse } from './errors.js';
import type { SubscriptionAttributes } from './subscription-attributes.js';

export const PROTOCOLS = ['lambda', 'sqs', 'http', 'https'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** A subscription as it is kept. */
export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: Protocol;
  readonly endpoint: string;
  readonly attributes: SubscriptionAttributes;
  /** What confirms it; undefined when it needs no confirmation. */
  readonly token?: string;
  readonly isConfirmed: boolean;
  /** Whether only the account may unsubscribe. */
  readonly authenticateOnUnsubscribe: boolean;
}

/** The subscriptions of the account. */
export interface Subscriptions {
  /** @throws NotFoundException; InvalidParameterException for what is no ARN of a subscription. */
  byArn(arn: string | undefined): Subscription;
  find(arn: string): Subscription | undefined;
  /** Those of a topic, in order of their ARNs. */
  ofTopic(topicArn: string): Subscription[];
  all(): Subscription[];
  add(wanted: Pick<Subscription, 'topicArn' | 'protocol' | 'endpoint' | 'attributes'>): Subscription;
  save(subscription: Subscription): void;
  remove(arn: string): void;
}

export function snsSubscriptions({ store }: Base): Subscriptions {
  const table = store.table<Subscription>('sns.subscriptions');
  const keyOf = (arn: string) => {
    const end = arn.lastIndexOf(':');
    return key(arn.slice(0, end), arn.slice(end + 1));
  };
  const find = (arn: string) => table.get(keyOf(arn));
  return {
    find,
    byArn(arn = '') {
      if (!/^arn:[^:]+:sns:[^:]*:[^:]*:[^:]+:[^:]+$/.test(arn)) throw refuse.parameter('SubscriptionArn');
      const subscription = find(arn);
      if (!subscription) throw refuse.noSubscription();
      return subscription;
    },
    ofTopic: (topicArn) => [...secondParts(table, topicArn)].map(([, subscription]) => subscription),
    all: () => [...table.entries()].map(([, subscription]) => subscription),
    add(wanted) {
      const isConfirmed = wanted.protocol === 'lambda' || wanted.protocol === 'sqs';
      const subscription: Subscription = {
        ...wanted,
        arn: `${wanted.topicArn}:${randomUUID()}`,
        isConfirmed,
        authenticateOnUnsubscribe: false,
        ...(!isConfirmed && { token: randomBytes(64).toString('hex') }),
      };
      table.put(keyOf(subscription.arn), subscription);
      return subscription;
    },
    save: (subscription) => table.put(keyOf(subscription.arn), subscription),
    remove: (arn) => {
      table.delete(keyOf(arn));
    },
  };
}
