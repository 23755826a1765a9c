import { randomUUID } from 'node:crypto';
import type { Timer } from '../../clock.js';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { QueueSender } from '../sqs/sender.js';
import { type DeliveryFailure, failureOf } from './delivery-failure.js';
import type { Endpoints } from './endpoints.js';
import type { Notification } from './notification.js';
import { deadLetterArn } from './subscription-attributes.js';
import type { Subscription, Subscriptions } from './subscriptions.js';

/** A notification on its way to one subscriber, kept until it is there. */
interface Delivery {
  readonly id: string;
  readonly subscriptionArn: string;
  /** Undefined: the question whether the endpoint wants to be subscribed. */
  readonly notification?: Notification;
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly dueAt: number;
}

/** Brings notifications to subscribers; those that were accepted survive the end of the process. */
export interface Deliveries {
  /** Takes a notification for these subscribers; it is kept when this returns. */
  accept(subscribers: readonly Subscription[], notification: Notification): void;
  /** Asks an HTTP endpoint whether it wants to be subscribed. */
  askToConfirm(subscription: Subscription): void;
  /** Takes up what a process before this one accepted. */
  resume(): void;
  close(): Promise<void>;
}

export function deliveries(
  { store, clock, log }: Base,
  subscriptions: Subscriptions,
  endpoints: Endpoints,
  queues: QueueSender,
): Deliveries {
  const table = store.table<Delivery>('sns.deliveries');
  const running = new Set<Promise<void>>();
  const timers = new Set<Timer>();
  let isClosed = false;
  let counter = 0;

  function schedule(delivery: Delivery): void {
    const start = () => {
      if (isClosed) return;
      const attempt = deliver(delivery)
        .catch((error) => log('error', 'A delivery of SNS waits for the next start', about(delivery, error)))
        .finally(() => running.delete(attempt));
      running.add(attempt);
    };
    const delay = delivery.dueAt - clock.now();
    if (delay <= 0) {
      setImmediate(start);
      return;
    }
    const timer = clock.after(delay, () => {
      timers.delete(timer);
      start();
    });
    timers.add(timer);
  }

  const about = ({ subscriptionArn, notification }: Delivery, error: unknown) => ({
    subscriptionArn,
    messageId: notification?.messageId,
    error: error instanceof Error ? error.message : String(error),
  });

  async function deliver(delivery: Delivery): Promise<void> {
    const { id, notification, attempts } = delivery;
    const subscription = subscriptions.find(delivery.subscriptionArn);
    // Who is not subscribed any more gets nothing any more.
    if (!subscription) return void table.delete(id);
    try {
      if (notification) await endpoints.deliver(subscription, notification);
      else await endpoints.askToConfirm(subscription);
      if (!isClosed) table.delete(id);
    } catch (error) {
      if (isClosed) return;
      const failure = failureOf(error);
      const delay = failure.isPermanent ? undefined : endpoints.retryDelay(subscription.protocol, attempts);
      if (delay === undefined) return giveUp(delivery, subscription, failure);
      const later = { ...delivery, attempts: attempts + 1, dueAt: clock.now() + delay };
      table.put(id, later);
      schedule(later);
    }
  }

  /** What cannot be delivered goes to the dead letter queue of the subscription, where it has one. */
  async function giveUp(
    delivery: Delivery,
    subscription: Subscription,
    failure: DeliveryFailure,
  ): Promise<void> {
    const { notification, id } = delivery;
    log('warn', 'A notification of SNS could not be delivered', about(delivery, failure));
    const target = deadLetterArn(subscription.attributes);
    if (notification && target !== undefined) {
      try {
        const { body, attributes } = await endpoints.deadLetter(subscription, notification);
        const text = (StringValue: string) => ({ DataType: 'String', StringValue });
        await queues.send(
          target,
          body,
          {
            ...attributes,
            RequestID: text(randomUUID()),
            ErrorCode: text(failure.code),
            ErrorMessage: text(failure.message.slice(0, 1024)),
          },
          { service: 'sns.amazonaws.com', sourceArn: subscription.topicArn },
        );
      } catch (error) {
        if (!(error instanceof AwsError || (error instanceof Error && '$fault' in error))) throw error;
        log('warn', 'A dead letter of SNS was lost', about(delivery, error));
      }
    }
    if (!isClosed) table.delete(id);
  }

  function add(subscription: Subscription, notification?: Notification): Delivery {
    counter += 1;
    const now = clock.now();
    const delivery: Delivery = {
      // In the order in which they were accepted.
      id: `${String(now).padStart(15, '0')}-${String(counter).padStart(9, '0')}-${randomUUID()}`,
      subscriptionArn: subscription.arn,
      ...(notification && { notification }),
      attempts: 0,
      dueAt: now,
    };
    table.put(delivery.id, delivery);
    return delivery;
  }

  return {
    accept(subscribers, notification) {
      const accepted = store.transaction(() =>
        subscribers.map((subscription) => add(subscription, notification)),
      );
      for (const delivery of accepted) schedule(delivery);
    },
    askToConfirm: (subscription) => schedule(add(subscription)),
    resume() {
      for (const [, delivery] of table.entries()) schedule(delivery);
    },
    async close() {
      isClosed = true;
      for (const timer of timers) timer.cancel();
      endpoints.close();
      await Promise.allSettled(running);
    },
  };
}
