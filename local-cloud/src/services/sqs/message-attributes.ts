import { createHash } from 'node:crypto';
import { refuse } from './errors.js';
import type { MessageAttribute } from './sender.js';

/** Attributes of a message by their names. */
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** SQS developer guide, "Amazon SQS message metadata". */
const MOST_ATTRIBUTES = 10;
const NAME = /^(?!\.)(?!.*\.\.)(?!.*\.$)(?!(?:aws|amazon)\.)[A-Za-z0-9_.-]{1,256}$/i;
const DATA_TYPE = /^(String|Number|Binary)(\..+)?$/;

export function md5(data: string | Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

/**
 * Checks the attributes of a message that is to be sent.
 *
 * @throws AwsError `InvalidParameterValue` in the words of SQS.
 */
export function checkAttributes(attributes: MessageAttributes): void {
  const names = Object.keys(attributes);
  if (names.length > MOST_ATTRIBUTES) {
    throw refuse.invalid(
      `Number of message attributes [${names.length}] exceeds the allowed maximum [${MOST_ATTRIBUTES}].`,
    );
  }
  for (const [name, attribute] of Object.entries(attributes)) {
    if (!NAME.test(name)) {
      throw refuse.invalid(
        `Message attribute name '${name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters, and must not start with 'AWS.' or 'Amazon.'.`,
      );
    }
    checkValue(name, attribute);
  }
}

function checkValue(name: string, { DataType, StringValue, BinaryValue }: MessageAttribute): void {
  const type = DATA_TYPE.exec(DataType ?? '')?.[1];
  if (type === undefined || DataType.length > 256) {
    throw refuse.invalid(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const value = type === 'Binary' ? BinaryValue : StringValue;
  if (value === undefined || value.length === 0) {
    throw refuse.invalid(
      `Message attribute '${name}' must contain a non-empty message attribute value for message attribute type '${type}'.`,
    );
  }
  if (type === 'Number' && Number.isNaN(Number(value))) {
    throw refuse.invalid(`Can't cast the value of message attribute '${name}' to a number.`);
  }
  if (typeof value === 'string' && !isPlainText(value)) {
    throw refuse.invalid(`Invalid binary character was found in the message attribute '${name}'.`);
  }
}

/** Whether a text has only the characters that XML 1.0 can carry, as SQS demands of bodies and values. */
export function isPlainText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters in question
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(
    text,
  );
}

/** Bytes that the attributes take of a message's size: their names, types and values. */
export function sizeOfAttributes(attributes: MessageAttributes): number {
  let size = 0;
  for (const [name, { DataType, StringValue = '', BinaryValue }] of Object.entries(attributes)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    size += BinaryValue?.length ?? Buffer.byteLength(StringValue);
  }
  return size;
}

/**
 * The digest by which clients check the attributes of a message (SQS developer guide, "Calculating the MD5
 * message digest for message attributes"); undefined without attributes.
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const parts: Uint8Array[] = [];
  const add = (data: string | Uint8Array) => {
    const bytes = Buffer.from(data);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  };
  for (const name of names) {
    const { DataType = '', StringValue = '', BinaryValue } = attributes[name] ?? {};
    add(name);
    add(DataType);
    parts.push(Uint8Array.of(DataType.startsWith('Binary') ? 2 : 1));
    add(DataType.startsWith('Binary') ? (BinaryValue ?? '') : StringValue);
  }
  return md5(Buffer.concat(parts));
}

/**
 * The attributes that a receiver asked for: by name, by a prefix with `.*`, or all with `All` or `.*`.
 */
export function selectAttributes(
  attributes: MessageAttributes,
  wanted: readonly string[],
): MessageAttributes {
  const isWanted = (name: string) =>
    wanted.some(
      (pattern) =>
        pattern === 'All' ||
        pattern === '.*' ||
        pattern === name ||
        (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1))),
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => isWanted(name)));
}
