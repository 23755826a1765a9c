import { type Cursor, malformed, protocolError } from './cursor.js';
import type { Properties } from './packets.js';

/** The properties of MQTT 5 (section 2.2.2): how each is written, and in which packets of a client it may stand. */

type Kind = 'byte' | 'uint16' | 'uint32' | 'variable' | 'string' | 'binary' | 'pair';

/** `will` are the properties of the will in CONNECT. */
export type PropertyPlace =
  | 'connect'
  | 'will'
  | 'publish'
  | 'puback'
  | 'subscribe'
  | 'unsubscribe'
  | 'disconnect';

interface Definition {
  readonly id: number;
  readonly kind: Kind;
  /** The packets of a client in which it may stand; none for what only a server sends. */
  readonly places: readonly PropertyPlace[];
  /** Values that the standard calls a Protocol Error. */
  readonly invalid?: (value: number) => boolean;
}

const flag = (value: number) => value > 1;
const zero = (value: number) => value === 0;
const message: readonly PropertyPlace[] = ['publish', 'will'];

const DEFINITIONS: Readonly<Record<keyof Properties, Definition>> = {
  payloadFormatIndicator: { id: 0x01, kind: 'byte', places: message, invalid: flag },
  messageExpiryInterval: { id: 0x02, kind: 'uint32', places: message },
  contentType: { id: 0x03, kind: 'string', places: message },
  responseTopic: { id: 0x08, kind: 'string', places: message },
  correlationData: { id: 0x09, kind: 'binary', places: message },
  subscriptionIdentifier: { id: 0x0b, kind: 'variable', places: ['subscribe'], invalid: zero },
  sessionExpiryInterval: { id: 0x11, kind: 'uint32', places: ['connect', 'disconnect'] },
  assignedClientIdentifier: { id: 0x12, kind: 'string', places: [] },
  serverKeepAlive: { id: 0x13, kind: 'uint16', places: [] },
  authenticationMethod: { id: 0x15, kind: 'string', places: ['connect'] },
  authenticationData: { id: 0x16, kind: 'binary', places: ['connect'] },
  requestProblemInformation: { id: 0x17, kind: 'byte', places: ['connect'], invalid: flag },
  willDelayInterval: { id: 0x18, kind: 'uint32', places: ['will'] },
  requestResponseInformation: { id: 0x19, kind: 'byte', places: ['connect'], invalid: flag },
  responseInformation: { id: 0x1a, kind: 'string', places: [] },
  serverReference: { id: 0x1c, kind: 'string', places: [] },
  reasonString: { id: 0x1f, kind: 'string', places: ['puback', 'disconnect'] },
  receiveMaximum: { id: 0x21, kind: 'uint16', places: ['connect'], invalid: zero },
  topicAliasMaximum: { id: 0x22, kind: 'uint16', places: ['connect'] },
  topicAlias: { id: 0x23, kind: 'uint16', places: ['publish'] },
  maximumQos: { id: 0x24, kind: 'byte', places: [] },
  retainAvailable: { id: 0x25, kind: 'byte', places: [] },
  userProperties: {
    id: 0x26,
    kind: 'pair',
    places: ['connect', 'will', 'publish', 'puback', 'subscribe', 'unsubscribe', 'disconnect'],
  },
  maximumPacketSize: { id: 0x27, kind: 'uint32', places: ['connect'], invalid: zero },
  wildcardSubscriptionAvailable: { id: 0x28, kind: 'byte', places: [] },
  subscriptionIdentifierAvailable: { id: 0x29, kind: 'byte', places: [] },
  sharedSubscriptionAvailable: { id: 0x2a, kind: 'byte', places: [] },
};

const NAMES = Object.keys(DEFINITIONS) as (keyof Properties)[];
const NAME_OF_ID = new Map(NAMES.map((name) => [DEFINITIONS[name].id, name]));

/** Shared by every packet without properties; frozen, so that no one can write to it. */
export const NO_PROPERTIES: Properties = Object.freeze({});

/** Reads a property length and the properties behind it. */
export function readProperties(cursor: Cursor, place: PropertyPlace): Properties {
  const length = cursor.variableByteInteger();
  if (length === 0) return NO_PROPERTIES;
  const part = cursor.part(length);
  const properties: Record<string, unknown> = {};
  const pairs: (readonly [string, string])[] = [];
  while (part.left > 0) {
    const name = NAME_OF_ID.get(part.variableByteInteger());
    if (!name) throw malformed('A property has an unknown identifier');
    const { kind, places, invalid } = DEFINITIONS[name];
    if (!places.includes(place)) throw protocolError(`The property ${name} does not belong in ${place}`);
    if (kind === 'pair') {
      // [MQTT-3.3.2-18] [MQTT-3.1.3-10] User properties keep their order.
      pairs.push([part.string(), part.string()]);
      continue;
    }
    if (name in properties) throw protocolError(`The property ${name} appears twice`);
    const value = readValue(part, kind);
    if (typeof value === 'number' && invalid?.(value)) {
      throw protocolError(`The property ${name} must not be ${value}`);
    }
    properties[name] = value;
  }
  if (pairs.length > 0) properties.userProperties = pairs;
  return properties as Properties;
}

function readValue(cursor: Cursor, kind: Exclude<Kind, 'pair'>): number | string | Buffer {
  switch (kind) {
    case 'byte':
      return cursor.byte();
    case 'uint16':
      return cursor.uint16();
    case 'uint32':
      return cursor.uint32();
    case 'variable':
      return cursor.variableByteInteger();
    case 'string':
      return cursor.string();
    case 'binary':
      return cursor.binary();
  }
}

/** The properties with their length in front, as they stand in a packet of the server. */
export function writeProperties(properties: Properties): Buffer {
  const parts: Buffer[] = [];
  for (const name of NAMES) {
    const value = properties[name];
    if (value === undefined) continue;
    const { id, kind } = DEFINITIONS[name];
    if (kind === 'pair') {
      for (const [key, text] of properties.userProperties ?? []) {
        parts.push(Buffer.of(id), writeString(key), writeString(text));
      }
    } else {
      parts.push(Buffer.of(id), writeValue(kind, value));
    }
  }
  if (parts.length === 0) return EMPTY;
  const body = Buffer.concat(parts);
  return Buffer.concat([variableByteInteger(body.length), body]);
}

const EMPTY = Buffer.of(0);

function writeValue(kind: Exclude<Kind, 'pair'>, value: unknown): Buffer {
  switch (kind) {
    case 'byte':
      return Buffer.of(Number(value));
    case 'uint16':
      return uint16(Number(value));
    case 'uint32': {
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeUInt32BE(Number(value));
      return bytes;
    }
    case 'variable':
      return variableByteInteger(Number(value));
    case 'string':
      return writeString(String(value));
    case 'binary':
      return Buffer.concat([uint16((value as Uint8Array).length), value as Uint8Array]);
  }
}

function writeString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

export function variableByteInteger(value: number): Buffer {
  const bytes: number[] = [];
  do {
    const rest = value >>> 7;
    bytes.push((value & 0x7f) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return Buffer.from(bytes);
}
