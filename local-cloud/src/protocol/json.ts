import type { NormalizedSchema } from '@smithy/core/schema';
import { TimestampFormat, timestampFormat, wrongType } from './scalars.js';

type JsonObject = Record<string, unknown>;

/** Some encoders leave out the padding. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Turns a value of a shape into plain JSON data (AWS JSON 1.0/1.1 and REST JSON 1 protocols, Smithy 2.0). */
export function toJson(schema: NormalizedSchema, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (schema.isDocumentSchema()) return value;
  if (schema.isListSchema()) return (value as unknown[]).map((item) => toJson(schema.getValueSchema(), item));
  if (schema.isMapSchema()) {
    // Without a prototype: a key may be `__proto__`.
    const result: JsonObject = Object.create(null);
    for (const [name, item] of Object.entries(value)) result[name] = toJson(schema.getValueSchema(), item);
    return result;
  }
  if (schema.isStructSchema()) return structToJson(schema, value as JsonObject, () => true);
  if (value instanceof Date) {
    switch (timestampFormat(schema, TimestampFormat.epochSeconds)) {
      case TimestampFormat.dateTime:
        return value.toISOString();
      case TimestampFormat.httpDate:
        return value.toUTCString();
      default:
        return value.getTime() / 1000;
    }
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** Turns those members of a structure that `include` names into a JSON object. */
export function structToJson(
  schema: NormalizedSchema,
  value: JsonObject,
  include: (member: NormalizedSchema) => boolean,
): JsonObject {
  const result: JsonObject = {};
  for (const [name, member] of schema.structIterator()) {
    if (!include(member) || value[name] === undefined || value[name] === null) continue;
    result[jsonName(name, member)] = toJson(member, value[name]);
  }
  return result;
}

/**
 * Reads a value of a shape from JSON data; members that the model does not know are left out.
 *
 * @throws AwsError `SerializationException` where the data have another type than the model says.
 */
export function fromJson(schema: NormalizedSchema, data: unknown, where = ''): unknown {
  if (data === undefined || data === null) return undefined;
  if (schema.isDocumentSchema()) return data;
  if (schema.isListSchema()) {
    if (!Array.isArray(data)) throw wrongType(where, 'a list');
    return data.map((item, index) => itemFromJson(schema, item, `${where}[${index}]`));
  }
  if (schema.isMapSchema()) {
    const result: JsonObject = Object.create(null);
    for (const [name, item] of Object.entries(objectAt(data, where))) {
      result[name] = itemFromJson(schema, item, `${where}.${name}`);
    }
    return { ...result };
  }
  if (schema.isStructSchema()) return structFromJson(schema, objectAt(data, where), () => true, where);
  if (schema.isTimestampSchema()) return timestampFromJson(data, where);
  if (schema.isBlobSchema()) {
    if (typeof data !== 'string' || !BASE64.test(data)) throw wrongType(where, 'base64 text');
    return new Uint8Array(Buffer.from(data, 'base64'));
  }
  if (schema.isBooleanSchema()) {
    if (typeof data !== 'boolean') throw wrongType(where, 'a boolean');
    return data;
  }
  if (schema.isNumericSchema()) {
    if (typeof data !== 'number') throw wrongType(where, 'a number');
    return data;
  }
  if (schema.isStringSchema() && typeof data !== 'string') throw wrongType(where, 'a string');
  return data;
}

/** An item of a list or map, which is null in those only that the model calls sparse (Smithy 2.0, 6.2). */
function itemFromJson(collection: NormalizedSchema, item: unknown, where: string): unknown {
  if (item === null) {
    if (collection.getMergedTraits().sparse) return null;
    throw wrongType(where, 'allowed to be null');
  }
  return fromJson(collection.getValueSchema(), item, where);
}

/** Reads those members of a structure that `include` names from a JSON object. */
export function structFromJson(
  schema: NormalizedSchema,
  data: JsonObject,
  include: (member: NormalizedSchema) => boolean,
  where = '',
): JsonObject {
  const result: JsonObject = {};
  for (const [name, member] of schema.structIterator()) {
    if (!include(member)) continue;
    const wireName = jsonName(name, member);
    if (!Object.hasOwn(data, wireName)) continue;
    const value = fromJson(member, data[wireName], where === '' ? name : `${where}.${name}`);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** `data` as an object. @throws AwsError `SerializationException` when it is none. */
export function objectAt(data: unknown, where: string): JsonObject {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw wrongType(where, 'an object');
  return data as JsonObject;
}

function timestampFromJson(data: unknown, where: string): Date {
  const date = new Date(typeof data === 'number' ? data * 1000 : String(data));
  if (Number.isNaN(date.getTime())) throw wrongType(where, 'a timestamp');
  return date;
}

function jsonName(name: string, member: NormalizedSchema): string {
  return member.getMergedTraits().jsonName ?? name;
}
