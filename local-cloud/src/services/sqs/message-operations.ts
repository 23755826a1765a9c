import type * as sdk from '@aws-sdk/client-sqs';
import type { Operations, Principal } from '../../service.js';
import { eachOf } from './batch.js';
import { refuse } from './errors.js';
import {
  checkAttributes,
  isPlainText,
  type MessageAttributes,
  md5,
  md5OfAttributes,
  selectAttributes,
  sizeOfAttributes,
} from './message-attributes.js';
import type { Messages, StoredMessage } from './messages.js';
import { given, refuseMembers, whole } from './parameters.js';
import { numberOf } from './queue-attributes.js';
import type { Queue, Queues } from './queues.js';
import type { Receiver } from './receiver.js';

/** Bytes of all messages of a batch together. */
const BATCH_LIMIT = 1_048_576;
const LONGEST_VISIBILITY = 43_200;

type Content = Pick<
  sdk.SendMessageCommandInput,
  'MessageBody' | 'DelaySeconds' | 'MessageAttributes' | 'MessageSystemAttributes'
>;

/** Sending, receiving and deleting messages. */
export function messageOperations(queues: Queues, messages: Messages, receiver: Receiver) {
  function send(queue: Queue, content: Content, senderId: string) {
    refuseMembers(content, ['MessageDeduplicationId', 'MessageGroupId'], 'FIFO queues and fair queues');
    const body = content.MessageBody ?? '';
    if (body === '') throw refuse.missing('MessageBody');
    if (!isPlainText(body)) {
      throw refuse.contents(
        'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
      );
    }
    const attributes = attributesOf(content.MessageAttributes);
    const limit = numberOf(queue.attributes, 'MaximumMessageSize');
    if (sizeOf(content) > limit) {
      throw refuse.invalid(
        `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
      );
    }
    const delay = whole('DelaySeconds', content.DelaySeconds, 0, 900);
    const { traceHeader, ...system } = systemAttributesOf(content.MessageSystemAttributes);
    const { id } = messages.send(queue, {
      body,
      attributes,
      senderId,
      delay: delay ?? numberOf(queue.attributes, 'DelaySeconds'),
      ...(traceHeader !== undefined && { traceHeader }),
    });
    return {
      MessageId: id,
      MD5OfMessageBody: md5(body),
      MD5OfMessageAttributes: md5OfAttributes(attributes),
      MD5OfMessageSystemAttributes: system.digest,
    };
  }

  function changeVisibility(queue: Queue, handle: string | undefined, timeout: number | undefined): void {
    const seconds = whole('VisibilityTimeout', given('VisibilityTimeout', timeout), 0, LONGEST_VISIBILITY);
    messages.changeVisibility(queue, given('ReceiptHandle', handle), seconds ?? 0);
  }

  const operations = {
    SendMessage: (input, call) => send(queues.byUrl(input.QueueUrl), input, senderOf(call.principal)),
    SendMessageBatch({ QueueUrl, Entries }, call) {
      const queue = queues.byUrl(QueueUrl);
      const size = (Entries ?? []).reduce((sum, entry) => sum + sizeOf(entry), 0);
      if (size > BATCH_LIMIT) throw refuse.batchSize(BATCH_LIMIT, size);
      return eachOf(Entries, (entry) => send(queue, entry, senderOf(call.principal)));
    },
    async ReceiveMessage(input, call) {
      const queue = queues.byUrl(input.QueueUrl);
      refuseMembers(input, ['ReceiveRequestAttemptId'], 'FIFO queues');
      const most = whole('MaxNumberOfMessages', input.MaxNumberOfMessages, 1, 10) ?? 1;
      const wait = whole('WaitTimeSeconds', input.WaitTimeSeconds, 0, 20);
      const visibility = whole('VisibilityTimeout', input.VisibilityTimeout, 0, LONGEST_VISIBILITY);
      const system = systemNamesOf([
        ...(input.AttributeNames ?? []),
        ...(input.MessageSystemAttributeNames ?? []),
      ]);
      const received = await receiver.receive(() => queues.byUrl(input.QueueUrl), {
        most,
        visibilityTimeout: visibility ?? numberOf(queue.attributes, 'VisibilityTimeout'),
        wait: wait ?? numberOf(queue.attributes, 'ReceiveMessageWaitTimeSeconds'),
        signal: call.signal,
      });
      if (received.length === 0) return {};
      return {
        Messages: received.map((message) => delivered(message, system, input.MessageAttributeNames ?? [])),
      };
    },
    DeleteMessage({ QueueUrl, ReceiptHandle }) {
      messages.delete(queues.byUrl(QueueUrl), given('ReceiptHandle', ReceiptHandle));
      return {};
    },
    DeleteMessageBatch({ QueueUrl, Entries }) {
      const queue = queues.byUrl(QueueUrl);
      return eachOf(Entries, ({ ReceiptHandle }) => {
        messages.delete(queue, given('ReceiptHandle', ReceiptHandle));
        return {};
      });
    },
    ChangeMessageVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout }) {
      changeVisibility(queues.byUrl(QueueUrl), ReceiptHandle, VisibilityTimeout);
      return {};
    },
    ChangeMessageVisibilityBatch({ QueueUrl, Entries }) {
      const queue = queues.byUrl(QueueUrl);
      return eachOf(Entries, ({ ReceiptHandle, VisibilityTimeout }) => {
        changeVisibility(queue, ReceiptHandle, VisibilityTimeout);
        return {};
      });
    },
  } satisfies Operations<typeof sdk>;
  return { operations, send };
}

function attributesOf(given: Content['MessageAttributes'] = {}): MessageAttributes {
  const attributes: Record<string, MessageAttributes[string]> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value.StringListValues?.length || value.BinaryListValues?.length) {
      throw refuse.invalid(`Message attribute list values in SendMessage operation are not supported.`);
    }
    const { DataType = '', StringValue, BinaryValue } = value;
    attributes[name] = {
      DataType,
      ...(StringValue !== undefined && { StringValue }),
      ...(BinaryValue !== undefined && { BinaryValue }),
    };
  }
  checkAttributes(attributes);
  return attributes;
}

/** `AWSTraceHeader` is the only one there is; it does not count for a message's size. */
function systemAttributesOf(given: Content['MessageSystemAttributes'] = {}) {
  const unknown = Object.keys(given).find((name) => name !== 'AWSTraceHeader');
  if (unknown !== undefined) {
    throw refuse.invalid(`Message system attribute name '${unknown}' is invalid.`);
  }
  const { AWSTraceHeader: header } = given as Record<string, MessageAttributes[string] | undefined>;
  if (!header) return {};
  return { traceHeader: header.StringValue, digest: md5OfAttributes({ AWSTraceHeader: header }) };
}

function sizeOf({ MessageBody = '', MessageAttributes = {} }: Content): number {
  return Buffer.byteLength(MessageBody) + sizeOfAttributes(MessageAttributes as MessageAttributes);
}

/** What SQS says who sent a message: a role's session by its ARN's end, the account by its id. */
function senderOf(principal: Principal): string {
  return principal.kind === 'role'
    ? `${principal.roleName}:${principal.sessionName}`
    : (principal.arn.split(':')[4] ?? '');
}

const SYSTEM_NAMES = [
  'SenderId',
  'SentTimestamp',
  'ApproximateReceiveCount',
  'ApproximateFirstReceiveTimestamp',
  'AWSTraceHeader',
  'DeadLetterQueueSourceArn',
] as const;
/** Of FIFO queues: known, and never there. */
const FIFO_NAMES = ['SequenceNumber', 'MessageDeduplicationId', 'MessageGroupId'];

function systemNamesOf(wanted: readonly string[]): ReadonlySet<string> {
  const known = new Set<string>(['All', ...SYSTEM_NAMES, ...FIFO_NAMES]);
  const unknown = wanted.find((name) => !known.has(name));
  if (unknown !== undefined) throw refuse.noSuchAttribute(unknown);
  return new Set(wanted.includes('All') ? SYSTEM_NAMES : wanted);
}

function delivered(
  message: StoredMessage & { receiptHandle: string },
  system: ReadonlySet<string>,
  names: readonly string[],
): sdk.Message {
  const attributes = selectAttributes(message.attributes, names);
  const all: Record<(typeof SYSTEM_NAMES)[number], string | undefined> = {
    SenderId: message.senderId,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    AWSTraceHeader: message.traceHeader,
    DeadLetterQueueSourceArn: message.deadLetterSource,
  };
  const chosen = Object.entries(all).flatMap(([name, value]) =>
    system.has(name) && value !== undefined ? [[name, value] as const] : [],
  );
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(chosen.length > 0 && { Attributes: Object.fromEntries(chosen) }),
    ...(Object.keys(attributes).length > 0 && {
      MD5OfMessageAttributes: md5OfAttributes(attributes),
      MessageAttributes: attributes as Record<string, sdk.MessageAttributeValue>,
    }),
  };
}
