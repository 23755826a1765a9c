import type * as sdk from '@aws-sdk/client-sns';
import { behind, page, readToken } from '../../paging.js';
import type { Call, Operations } from '../../service.js';
import type { Deliveries } from './deliveries.js';
import { refuse } from './errors.js';
import { isLoopback } from './http-endpoint.js';
import { changedAttributes } from './subscription-attributes.js';
import { PROTOCOLS, type Protocol, type Subscription, type Subscriptions } from './subscriptions.js';
import { effectiveDeliveryPolicy } from './topic-attributes.js';
import type { Topics } from './topics.js';

/** Subscriptions a page. */
const PAGE_SIZE = 100;
/** Protocols of SNS that nothing is delivered by here. */
const UNBUILT = ['email', 'email-json', 'sms', 'application', 'firehose'];
const ENDPOINTS = {
  lambda: [
    /^arn:[^:]+:lambda:[^:]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$/,
    'Lambda endpoint ARN',
  ],
  sqs: [/^arn:[^:]+:sqs:[^:]+:\d{12}:[A-Za-z0-9_-]+$/, 'SQS endpoint ARN'],
  http: [/^http:\/\/.+$/, 'HTTP(S) Endpoint'],
  https: [/^https:\/\/.+$/, 'HTTP(S) Endpoint'],
} as const;

/** Subscribing to topics and changing, listing and ending subscriptions. */
export function subscriptionOperations(
  topics: Topics,
  subscriptions: Subscriptions,
  deliveries: Deliveries,
  accountId: string,
) {
  function subscribe(
    topicArn: string | undefined,
    protocolName: string,
    endpoint: string,
    given: Readonly<Record<string, string>>,
  ): Subscription {
    const topic = topics.byArn(topicArn);
    const protocol = protocolOf(protocolName);
    checkEndpoint(protocol, endpoint);
    const attributes = changedAttributes({}, given);
    const existing = subscriptions
      .ofTopic(topic.arn)
      .find((other) => other.protocol === protocol && other.endpoint === endpoint);
    if (existing) {
      const differs = Object.entries(attributes).some(
        ([name, value]) => existing.attributes[name as keyof typeof attributes] !== value,
      );
      if (differs) {
        throw refuse.parameter('Attributes Reason: Subscription already exists with different attributes');
      }
      if (!existing.isConfirmed) deliveries.askToConfirm(existing);
      return existing;
    }
    const subscription = subscriptions.add({ topicArn: topic.arn, protocol, endpoint, attributes });
    if (!subscription.isConfirmed) deliveries.askToConfirm(subscription);
    return subscription;
  }

  function change(subscription: Subscription, changes: Readonly<Record<string, string>>): void {
    subscriptions.save({ ...subscription, attributes: changedAttributes(subscription.attributes, changes) });
  }

  function confirm(topicArn: string | undefined, token: string, authenticateOnUnsubscribe: boolean): string {
    const topic = topics.byArn(topicArn);
    const subscription = subscriptions.ofTopic(topic.arn).find((one) => one.token === token);
    if (!subscription) throw refuse.parameter('Token');
    if (!subscription.isConfirmed) {
      subscriptions.save({ ...subscription, isConfirmed: true, authenticateOnUnsubscribe });
    }
    return subscription.arn;
  }

  /** @param isAnonymous whether nobody signed the request, as with the link in each notification. */
  function unsubscribe(arn: string | undefined, isAnonymous: boolean): void {
    const subscription = subscriptions.find(subscriptionArn(arn));
    if (!subscription) return;
    if (isAnonymous && subscription.authenticateOnUnsubscribe) {
      throw refuse.denied('anonymous users cannot end this subscription');
    }
    subscriptions.remove(subscription.arn);
  }

  const shown = (one: Subscription) => ({
    SubscriptionArn: one.isConfirmed ? one.arn : 'PendingConfirmation',
    Owner: accountId,
    Protocol: one.protocol,
    Endpoint: one.endpoint,
    TopicArn: one.topicArn,
  });

  function list(all: Subscription[], token: string | undefined) {
    const { items, next } = page(
      behind(all, ({ arn }) => arn),
      ({ arn }) => arn,
      readToken(token, () => refuse.parameter('NextToken')),
      PAGE_SIZE,
    );
    return { Subscriptions: items.map(shown), NextToken: next };
  }

  const operations = {
    Subscribe({ TopicArn, Protocol: protocol = '', Endpoint = '', Attributes = {}, ReturnSubscriptionArn }) {
      const { arn, isConfirmed } = subscribe(TopicArn, protocol, Endpoint, Attributes);
      return { SubscriptionArn: isConfirmed || ReturnSubscriptionArn ? arn : 'pending confirmation' };
    },
    ConfirmSubscription: ({ TopicArn, Token = '', AuthenticateOnUnsubscribe }) => ({
      SubscriptionArn: confirm(TopicArn, Token, AuthenticateOnUnsubscribe === 'true'),
    }),
    Unsubscribe({ SubscriptionArn }, { principal }: Call) {
      unsubscribe(SubscriptionArn, principal.kind === 'anonymous');
      return {};
    },
    ListSubscriptions: ({ NextToken }) => list(subscriptions.all(), NextToken),
    ListSubscriptionsByTopic: ({ TopicArn, NextToken }) =>
      list(subscriptions.ofTopic(topics.byArn(TopicArn).arn), NextToken),
    GetSubscriptionAttributes({ SubscriptionArn }) {
      const one = subscriptions.byArn(SubscriptionArn);
      const { FilterPolicy, FilterPolicyScope = 'MessageAttributes' } = one.attributes;
      return {
        Attributes: {
          SubscriptionArn: one.arn,
          TopicArn: one.topicArn,
          Owner: accountId,
          Protocol: one.protocol,
          Endpoint: one.endpoint,
          PendingConfirmation: String(!one.isConfirmed),
          ConfirmationWasAuthenticated: String(one.token === undefined || one.authenticateOnUnsubscribe),
          RawMessageDelivery: 'false',
          SubscriptionPrincipal: `arn:aws:iam::${accountId}:root`,
          ...(one.protocol.startsWith('http') && { EffectiveDeliveryPolicy: effectiveDeliveryPolicy() }),
          ...one.attributes,
          ...(FilterPolicy !== undefined && { FilterPolicyScope }),
        },
      };
    },
    SetSubscriptionAttributes({ SubscriptionArn, AttributeName = '', AttributeValue = '' }) {
      change(subscriptions.byArn(SubscriptionArn), { [AttributeName]: AttributeValue });
      return {};
    },
  } satisfies Operations<typeof sdk>;
  return { operations, subscribe, change, confirm, unsubscribe };
}

/** What resource types and the links in messages need of the operations. */
export type SubscriptionAdministration = Omit<ReturnType<typeof subscriptionOperations>, 'operations'>;

function subscriptionArn(arn = ''): string {
  if (/^arn:[^:]+:sns:[^:]*:[^:]*:[^:]+:[^:]+$/.test(arn)) return arn;
  throw refuse.parameter('SubscriptionArn Reason: An ARN must have at least 6 elements');
}

function protocolOf(name: string): Protocol {
  const protocol = PROTOCOLS.find((known) => known === name);
  if (protocol) return protocol;
  if (UNBUILT.includes(name)) throw refuse.unbuilt(`subscriptions of the protocol ${name}`);
  throw refuse.parameter(`Amazon SNS does not support this protocol string: ${name}`);
}

function checkEndpoint(protocol: Protocol, endpoint: string): void {
  const [pattern, what] = ENDPOINTS[protocol];
  if (!pattern.test(endpoint)) throw refuse.parameter(what);
  if (pattern === ENDPOINTS.http[0] || pattern === ENDPOINTS.https[0]) {
    if (!isLoopback(endpoint)) {
      throw refuse.unbuilt(`deliveries to other machines: the endpoint ${endpoint} is not on loopback`);
    }
  }
}
