import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { MessageProperties } from '../../../../mqtt/index.js';
import { isRecord, type JsonValue, type Value } from './values.js';

/** A message as a rule sees it. */
export interface RuleMessage {
  /** As it was published; of a Basic Ingest topic `topic()` gives what is behind `$aws/rules/{rule}/`. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  /** Undefined when the message did not come over MQTT. */
  readonly clientId: string | undefined;
  /** What `principal()` gives: a certificate's id, or an IAM principal. */
  readonly principal: string | undefined;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly properties: MessageProperties;
  readonly sourceIp?: string;
  /** What `traceid()` gives; a new UUID for each message that came over MQTT when it is left out. */
  readonly traceId?: string;
}

/** What a payload is, from the least that can be asked of it to the most. */
export const PayloadKind = { bytes: 0, scalar: 1, array: 2, object: 3 } as const;
export type PayloadKind = (typeof PayloadKind)[keyof typeof PayloadKind];

/** Ours: JSON nested deeper is taken for bytes, before writing it could exhaust the stack. */
const DEEPEST = 500;

/**
 * Shares between rules what they find out of a message: its payload is read as JSON when the first asks for it,
 * and once. Hand every rule the same prepared message.
 */
export function prepareMessage(message: RuleMessage): PreparedMessage {
  return message instanceof PreparedMessage ? message : new PreparedMessage(message);
}

export class PreparedMessage implements RuleMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly clientId: string | undefined;
  readonly principal: string | undefined;
  readonly timestamp: number;
  readonly properties: MessageProperties;
  readonly sourceIp: string | undefined;
  readonly #given: RuleMessage;
  #read = false;
  #document: JsonValue | undefined;
  #kind: PayloadKind = PayloadKind.bytes;
  #ruleTopic: string | undefined;
  #traceId: string | undefined;
  #variables: Map<object, readonly Value[]> | undefined;

  constructor(message: RuleMessage) {
    this.topic = message.topic;
    this.payload = message.payload;
    this.qos = message.qos;
    this.clientId = message.clientId;
    this.principal = message.principal;
    this.timestamp = message.timestamp;
    this.properties = message.properties;
    this.sourceIp = message.sourceIp;
    this.#given = message;
  }

  /** The payload read as JSON; Undefined when it is not. Not to be changed: rules share it. */
  get document(): JsonValue | undefined {
    if (!this.#read) this.#readPayload();
    return this.#document;
  }

  get kind(): PayloadKind {
    if (!this.#read) this.#readPayload();
    return this.#kind;
  }

  /** The topic without the prefix of Basic Ingest. */
  get ruleTopic(): string {
    this.#ruleTopic ??= withoutBasicIngest(this.topic);
    return this.#ruleTopic;
  }

  get traceId(): string | undefined {
    if (this.clientId === undefined) return this.#given.traceId;
    this.#traceId ??= this.#given.traceId ?? randomUUID();
    return this.#traceId;
  }

  /** The values that a statement's SET clause gave for this message. */
  variablesOf(statement: object): readonly Value[] | undefined {
    return this.#variables?.get(statement);
  }

  keepVariables(statement: object, values: readonly Value[]): void {
    this.#variables ??= new Map();
    this.#variables.set(statement, values);
  }

  #readPayload(): void {
    this.#read = true;
    const document = readJson(this.payload);
    if (document === undefined) return;
    this.#document = document;
    this.#kind = Array.isArray(document)
      ? PayloadKind.array
      : isRecord(document)
        ? PayloadKind.object
        : PayloadKind.scalar;
  }
}

function withoutBasicIngest(topic: string): string {
  if (!topic.startsWith('$aws/rules/')) return topic;
  const end = topic.indexOf('/', '$aws/rules/'.length);
  return end < 0 ? '' : topic.slice(end + 1);
}

/** Undefined when the bytes are not JSON in UTF-8. */
export function readJson(bytes: Uint8Array): JsonValue | undefined {
  if (bytes.length === 0 || !isUtf8(bytes) || isTooDeep(bytes)) return undefined;
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d,
];

function isTooDeep(bytes: Uint8Array): boolean {
  if (bytes.length <= DEEPEST) return false;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) inText = !inText;
    else if (inText) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
    if (depth > DEEPEST) return true;
  }
  return false;
}
