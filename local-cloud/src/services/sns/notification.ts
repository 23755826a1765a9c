import { randomUUID } from 'node:crypto';
import { refuse } from './errors.js';
import { type Properties, parseFilterPolicy } from './filter-policy.js';
import type { TopicMessageAttribute, TopicNotification } from './publisher.js';
import type { Protocol, Subscription } from './subscriptions.js';

/** What was published, as it waits for its delivery. */
export interface Notification {
  readonly messageId: string;
  readonly topicArn: string;
  readonly subject?: string;
  /** The message for those protocols that have none of their own in `messages`. */
  readonly message: string;
  readonly messages: Readonly<Partial<Record<Protocol, string>>>;
  readonly attributes: Readonly<Record<string, TopicMessageAttribute>>;
  /** ISO 8601 with milliseconds. */
  readonly timestamp: string;
}

/** Bytes of a message with its attributes, and of a batch. */
export const SIZE_LIMIT = 262_144;
const ATTRIBUTE_NAME = /^(?!\.)(?!.*\.\.)(?!.*\.$)(?!(?:aws|amazon)\.)[A-Za-z0-9_.-]{1,256}$/i;

/**
 * Checks what is to be published.
 *
 * @param now milliseconds since 1970.
 * @throws InvalidParameterException, InvalidParameterValueException in the words of SNS.
 */
export function notificationOf(topicArn: string, given: TopicNotification, now: number): Notification {
  const { message, subject, messageStructure, attributes = {} } = given;
  if (message === '') throw refuse.parameter('Empty message');
  if (subject !== undefined && (!/^[ -~]{1,100}$/.test(subject) || subject.startsWith(' '))) {
    throw refuse.parameter('Subject');
  }
  for (const [name, attribute] of Object.entries(attributes)) checkAttribute(name, attribute);
  if (sizeOf(given) > SIZE_LIMIT) throw refuse.parameter('Message too long');
  return {
    messageId: randomUUID(),
    topicArn,
    ...(subject !== undefined && { subject }),
    ...(messageStructure === undefined ? { message, messages: {} } : byProtocol(message)),
    attributes,
    timestamp: new Date(now).toISOString(),
  };
}

/** Bytes that count for the limit. */
export function sizeOf({ message, attributes = {} }: TopicNotification): number {
  let size = Buffer.byteLength(message);
  for (const [name, { DataType, StringValue = '', BinaryValue }] of Object.entries(attributes)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    size += BinaryValue?.length ?? Buffer.byteLength(StringValue);
  }
  return size;
}

function byProtocol(text: string): Pick<Notification, 'message' | 'messages'> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    data = undefined;
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw refuse.parameter('Message Structure - JSON message body failed to parse');
  }
  const { default: message, ...others } = data as Record<string, unknown>;
  if (typeof message !== 'string') {
    throw refuse.parameter('Message Structure - No default entry in JSON message body');
  }
  const messages = Object.entries(others).filter(([, value]) => typeof value === 'string');
  return { message, messages: Object.fromEntries(messages) };
}

function checkAttribute(name: string, { DataType, StringValue, BinaryValue }: TopicMessageAttribute): void {
  if (!ATTRIBUTE_NAME.test(name))
    throw refuse.value(
      `Invalid non-alphanumeric character was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.`,
    );
  const type = /^(String|Number|Binary)(\..*)?$/.exec(DataType ?? '')?.[1];
  if (type === undefined) {
    throw refuse.value(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const value = type === 'Binary' ? BinaryValue : StringValue;
  if (value === undefined || value.length === 0) {
    throw refuse.value(
      `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${type}'.`,
    );
  }
  if (type === 'Number' && Number.isNaN(Number(value))) {
    throw refuse.value(`Could not cast message attribute '${name}' value to number.`);
  }
  if (DataType === 'String.Array' && !Array.isArray(parsed(String(value)))) {
    throw refuse.value(`Message attribute '${name}' of type 'String.Array' must be an array.`);
  }
}

/** The message that a subscription gets. */
export function messageFor({ message, messages }: Notification, protocol: Protocol): string {
  return messages[protocol] ?? message;
}

/** Whether the filter policy of a subscription lets a notification through. */
export function passesFilter({ attributes, protocol }: Subscription, notification: Notification): boolean {
  const { FilterPolicy: text, FilterPolicyScope: scope = 'MessageAttributes' } = attributes;
  if (text === undefined) return true;
  const properties =
    scope === 'MessageAttributes'
      ? valuesOf(notification.attributes)
      : parsed(messageFor(notification, protocol));
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) return false;
  return parseFilterPolicy(text, scope).matches(properties as Properties);
}

/** The values of attributes, as filter policies see them; binary ones are not seen. */
function valuesOf(attributes: Notification['attributes']): Properties {
  const values = Object.entries(attributes).flatMap(([name, { DataType, StringValue = '' }]) => {
    if (DataType.startsWith('Binary')) return [];
    if (DataType === 'String.Array') return [[name, parsed(StringValue)] as const];
    return [[name, DataType.startsWith('Number') ? Number(StringValue) : StringValue] as const];
  });
  return Object.fromEntries(values);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
