import type * as sdk from '@aws-sdk/client-sns';
import type { Clock } from '../../clock.js';
import type { Operations } from '../../service.js';
import type { Deliveries } from './deliveries.js';
import { refuse } from './errors.js';
import { notificationOf, passesFilter, SIZE_LIMIT, sizeOf } from './notification.js';
import type { TopicMessageAttribute, TopicNotification } from './publisher.js';
import type { Subscriptions } from './subscriptions.js';
import type { Topic, Topics } from './topics.js';

type Entry = Pick<
  sdk.PublishInput,
  | 'Message'
  | 'Subject'
  | 'MessageStructure'
  | 'MessageAttributes'
  | 'MessageDeduplicationId'
  | 'MessageGroupId'
>;

/** Publishing to topics. */
export function publishOperations(
  topics: Topics,
  subscriptions: Subscriptions,
  deliveries: Deliveries,
  clock: Clock,
) {
  /** @returns the id of the message. @throws as Publish does. */
  function publish(topic: Topic, given: TopicNotification): string {
    const notification = notificationOf(topic.arn, given, clock.now());
    const subscribers = subscriptions
      .ofTopic(topic.arn)
      .filter((one) => one.isConfirmed && passesFilter(one, notification));
    deliveries.accept(subscribers, notification);
    return notification.messageId;
  }

  const operations = {
    Publish(input) {
      if (input.PhoneNumber !== undefined) throw refuse.unbuilt('text messages (PhoneNumber)');
      const arn = input.TopicArn ?? input.TargetArn;
      if (arn === undefined)
        throw refuse.parameter('TopicArn or TargetArn Reason: no value for required parameter');
      if (/^arn:[^:]+:sns:[^:]*:[^:]*:endpoint\//.test(arn)) {
        throw refuse.unbuilt('endpoints of mobile applications (TargetArn)');
      }
      return { MessageId: publish(topics.byArn(arn), given(input)) };
    },
    PublishBatch({ TopicArn, PublishBatchRequestEntries: entries = [] }) {
      const topic = topics.byArn(TopicArn);
      if (entries.length === 0) throw refuse.emptyBatch();
      if (entries.length > 10) throw refuse.batchEntries();
      if (entries.some(({ Id }) => !/^[A-Za-z0-9_-]{1,80}$/.test(Id ?? ''))) throw refuse.batchId();
      if (new Set(entries.map(({ Id }) => Id)).size < entries.length) throw refuse.batchIds();
      const notifications = entries.map((entry) => ({ Id: entry.Id, notification: given(entry) }));
      const size = notifications.reduce((sum, { notification }) => sum + sizeOf(notification), 0);
      if (size > SIZE_LIMIT) throw refuse.batchSize();
      const Successful: sdk.PublishBatchResultEntry[] = [];
      const Failed: sdk.BatchResultErrorEntry[] = [];
      for (const { Id, notification } of notifications) {
        try {
          Successful.push({ Id, MessageId: publish(topic, notification) });
        } catch (error) {
          if (!(error instanceof Error && '$fault' in error)) throw error;
          const Code = error.name.replace(/Exception$/, '');
          Failed.push({ Id, Code, Message: error.message, SenderFault: true });
        }
      }
      return { Successful, Failed };
    },
  } satisfies Operations<typeof sdk>;
  return { operations, publish };
}

function given(entry: Entry): TopicNotification {
  if (entry.MessageDeduplicationId !== undefined || entry.MessageGroupId !== undefined) {
    throw refuse.unbuilt('FIFO topics and fair queues (MessageDeduplicationId, MessageGroupId)');
  }
  const { MessageStructure: structure } = entry;
  if (structure !== undefined && structure !== 'json') throw refuse.parameter('MessageStructure');
  return {
    message: entry.Message ?? '',
    subject: entry.Subject,
    messageStructure: structure,
    attributes: entry.MessageAttributes as Record<string, TopicMessageAttribute> | undefined,
  };
}
