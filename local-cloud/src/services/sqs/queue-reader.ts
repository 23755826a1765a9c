import { refuse } from './errors.js';
import { md5, md5OfAttributes } from './message-attributes.js';
import type { Messages } from './messages.js';
import { numberOf } from './queue-attributes.js';
import type { Queues } from './queues.js';
import type { QueueReader } from './reader.js';
import type { Receiver } from './receiver.js';

export function queueReader(queues: Queues, messages: Messages, receiver: Receiver): QueueReader {
  const get = (arn: string) => {
    const queue = queues.byArn(arn);
    if (!queue) throw refuse.noQueue();
    return queue;
  };
  return {
    visibilityTimeout(arn) {
      const queue = queues.byArn(arn);
      return queue && numberOf(queue.attributes, 'VisibilityTimeout');
    },
    async receive(arn, most, wait, signal) {
      const visibilityTimeout = numberOf(get(arn).attributes, 'VisibilityTimeout');
      const received = await receiver.receive(() => get(arn), { most, visibilityTimeout, wait, signal });
      return received.map((message) => ({
        id: message.id,
        receiptHandle: message.receiptHandle,
        body: message.body,
        attributes: message.attributes,
        md5OfBody: md5(message.body),
        md5OfAttributes: md5OfAttributes(message.attributes),
        senderId: message.senderId,
        sentAt: message.sentAt,
        receiveCount: message.receiveCount,
        firstReceivedAt: message.firstReceivedAt ?? message.sentAt,
        traceHeader: message.traceHeader,
      }));
    },
    delete(arn, receiptHandle) {
      const queue = queues.byArn(arn);
      if (queue) messages.delete(queue, receiptHandle);
    },
  };
}
