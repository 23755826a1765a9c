import { z } from 'zod';
import { PolicyDocumentError, parsePolicyDocument } from '../../policy/index.js';
import { refuse } from './errors.js';

/** Attributes of queues as SQS keeps them: texts by name. */
export type QueueAttributes = Readonly<Record<string, string>>;

/** Whole numbers that can be set, with their bounds and defaults (SQS API reference, SetQueueAttributes). */
const NUMBERS: Readonly<Record<string, { least: number; most: number; initial: number }>> = {
  /** Seconds. */
  DelaySeconds: { least: 0, most: 900, initial: 0 },
  /** Bytes. */
  MaximumMessageSize: { least: 1024, most: 1_048_576, initial: 1_048_576 },
  /** Seconds. */
  MessageRetentionPeriod: { least: 60, most: 1_209_600, initial: 345_600 },
  /** Seconds. */
  ReceiveMessageWaitTimeSeconds: { least: 0, most: 20, initial: 0 },
  /** Seconds. */
  VisibilityTimeout: { least: 0, most: 43_200, initial: 30 },
};

/** What every queue has. */
export const DEFAULTS: QueueAttributes = {
  ...Object.fromEntries(Object.entries(NUMBERS).map(([name, { initial }]) => [name, String(initial)])),
  SqsManagedSseEnabled: 'true',
};

export const READ_ONLY = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'QueueArn',
] as const;

const SETTABLE = [...Object.keys(DEFAULTS), 'Policy', 'RedrivePolicy', 'RedriveAllowPolicy'];
const FIFO = ['FifoQueue', 'ContentBasedDeduplication', 'DeduplicationScope', 'FifoThroughputLimit'];
const ENCRYPTION = ['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds'];
const LONGEST_POLICY = 10_240;

/** Every name that GetQueueAttributes takes. */
export const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...['All', ...READ_ONLY, ...SETTABLE],
  ...[...FIFO, ...ENCRYPTION],
]);

const count = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
  .refine((value) => Number.isInteger(value) && value >= 1 && value <= 1000);
const redrivePolicy = z.strictObject({ deadLetterTargetArn: z.string(), maxReceiveCount: count });
export type RedrivePolicy = z.infer<typeof redrivePolicy>;

const redriveAllowPolicy = z.strictObject({
  redrivePermission: z.enum(['allowAll', 'denyAll', 'byQueue']),
  sourceQueueArns: z.array(z.string()).max(10).optional(),
});

function parsed<T>(schema: z.ZodType<T>, name: string, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw refuse.attributeValue(name);
  }
}

export function redrivePolicyOf(attributes: QueueAttributes): RedrivePolicy | undefined {
  const { RedrivePolicy: text } = attributes;
  return text === undefined ? undefined : parsed(redrivePolicy, 'RedrivePolicy', text);
}

/** Whether a queue takes dead letters of another one. */
export function takesDeadLettersOf(attributes: QueueAttributes, sourceArn: string): boolean {
  const { RedriveAllowPolicy: text } = attributes;
  if (text === undefined) return true;
  const { redrivePermission, sourceQueueArns = [] } = parsed(redriveAllowPolicy, 'RedriveAllowPolicy', text);
  return (
    redrivePermission === 'allowAll' ||
    (redrivePermission === 'byQueue' && sourceQueueArns.includes(sourceArn))
  );
}

/** A number that an attribute holds, its default when it holds none. */
export function numberOf(attributes: QueueAttributes, name: string): number {
  return Number(attributes[name] ?? DEFAULTS[name]);
}

/**
 * Checks attributes that are to be set.
 *
 * @returns them as they are kept; undefined values are to be removed.
 * @throws InvalidAttributeName, InvalidAttributeValue, and UnsupportedOperation for what is not built.
 */
export function checkedAttributes(given: QueueAttributes): Record<string, string | undefined> {
  const result: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(given)) {
    if (FIFO.includes(name)) {
      if (name === 'FifoQueue' && value === 'false') throw refuse.noSuchAttribute(name);
      throw refuse.unbuilt(`FIFO queues (attribute ${name})`);
    }
    if (ENCRYPTION.includes(name)) {
      if (value !== '') throw refuse.unbuilt(`encryption with keys of KMS (attribute ${name})`);
      continue;
    }
    if (!SETTABLE.includes(name)) throw refuse.noSuchAttribute(name);
    result[name] = checkedValue(name, value);
  }
  return result;
}

function checkedValue(name: string, value: string): string | undefined {
  const bounds = NUMBERS[name];
  if (bounds) {
    const number = Number(value);
    const isWithin = /^\d+$/.test(value) && number >= bounds.least && number <= bounds.most;
    if (!isWithin) throw refuse.attributeValue(name);
    return String(number);
  }
  if (name === 'SqsManagedSseEnabled') {
    if (value !== 'true' && value !== 'false') throw refuse.attributeValue(name);
    return value;
  }
  if (value === '') return undefined;
  if (name === 'Policy') return checkedPolicy(value);
  if (name === 'RedrivePolicy') {
    const { deadLetterTargetArn, maxReceiveCount } = parsed(redrivePolicy, name, value);
    return JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
  }
  parsed(redriveAllowPolicy, name, value);
  return value;
}

function checkedPolicy(text: string): string {
  if (Buffer.byteLength(text) > LONGEST_POLICY) throw refuse.attributeValue('Policy');
  try {
    parsePolicyDocument(text, 'resource');
    return text;
  } catch (error) {
    if (error instanceof PolicyDocumentError) throw refuse.attributeValue('Policy');
    throw error;
  }
}
