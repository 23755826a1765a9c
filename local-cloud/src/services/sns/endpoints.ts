import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.js';
import type { FunctionInvoker } from '../lambda/invoker.js';
import type { MessageAttribute, QueueSender } from '../sqs/sender.js';
import type { Envelopes } from './envelopes.js';
import { postToEndpoint } from './http-endpoint.js';
import { messageFor, type Notification } from './notification.js';
import type { Protocol, Subscription } from './subscriptions.js';
import { HTTP_RETRIES } from './topic-attributes.js';

/** The endpoints of subscriptions. */
export interface Endpoints {
  /** @throws DeliveryFailure, or the error of the service that is the endpoint. */
  deliver(subscription: Subscription, notification: Notification): Promise<void>;
  /** @throws DeliveryFailure */
  askToConfirm(subscription: Subscription): Promise<void>;
  /** Milliseconds until the next attempt after so many; undefined when there is none. */
  retryDelay(protocol: Protocol, attempts: number): number | undefined;
  /** What goes to a dead letter queue instead of the endpoint. */
  deadLetter(subscription: Subscription, notification: Notification): Promise<QueueMessage>;
  /** Breaks off requests that are under way. */
  close(): void;
}

interface QueueMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
}

/** SNS developer guide, "Message delivery retries": endpoints that AWS manages. Times in milliseconds. */
const MANAGED = { immediate: 3, soon: 2, growing: 10, longest: 20_000, all: 100_015 } as const;

export function endpoints(
  clock: Clock,
  envelopes: Envelopes,
  { invoker, queues }: { invoker: FunctionInvoker; queues: QueueSender },
): Endpoints {
  const closing = new AbortController();
  const isRaw = ({ attributes }: Subscription) => attributes.RawMessageDelivery === 'true';
  const callerOf = ({ topicArn }: Subscription) => ({ service: 'sns.amazonaws.com', sourceArn: topicArn });

  async function queueMessage(subscription: Subscription, notification: Notification): Promise<QueueMessage> {
    if (isRaw(subscription)) {
      return {
        body: messageFor(notification, subscription.protocol),
        attributes: Object.fromEntries(
          Object.entries(notification.attributes).map(([name, { DataType, ...value }]) => [
            name,
            { DataType, ...value },
          ]),
        ),
      };
    }
    return { body: await envelopes.notification(subscription, notification), attributes: {} };
  }

  return {
    async deliver(subscription, notification) {
      const { protocol, endpoint } = subscription;
      if (protocol === 'lambda') {
        const event = Buffer.from(await envelopes.lambdaEvent(subscription, notification));
        return invoker.invokeLater(endpoint, event, callerOf(subscription));
      }
      if (protocol === 'sqs') {
        const { body, attributes } = await queueMessage(subscription, notification);
        await queues.send(endpoint, body, attributes, callerOf(subscription));
        return;
      }
      await postToEndpoint(clock, closing.signal, endpoint, {
        type: 'Notification',
        messageId: notification.messageId,
        topicArn: subscription.topicArn,
        subscriptionArn: subscription.arn,
        isRaw: isRaw(subscription),
        body: (await queueMessage(subscription, notification)).body,
      });
    },
    async askToConfirm(subscription) {
      if (subscription.isConfirmed) return;
      const messageId = randomUUID();
      await postToEndpoint(clock, closing.signal, subscription.endpoint, {
        type: 'SubscriptionConfirmation',
        messageId,
        topicArn: subscription.topicArn,
        isRaw: false,
        body: await envelopes.confirmation(subscription, messageId, new Date(clock.now()).toISOString()),
      });
    },
    retryDelay(protocol, attempts) {
      if (protocol === 'http' || protocol === 'https') {
        return attempts < HTTP_RETRIES.retries ? HTTP_RETRIES.delay * 1000 : undefined;
      }
      if (attempts >= MANAGED.all) return undefined;
      if (attempts < MANAGED.immediate) return 0;
      const later = attempts - MANAGED.immediate - MANAGED.soon;
      if (later < 0) return 1000;
      return later < MANAGED.growing ? Math.min(1000 * 2 ** later, MANAGED.longest) : MANAGED.longest;
    },
    async deadLetter(subscription, notification) {
      if (subscription.protocol !== 'lambda') return queueMessage(subscription, notification);
      return { body: await envelopes.notification(subscription, notification), attributes: {} };
    },
    close: () => closing.abort(),
  };
}
