import { readJson } from '../message.js';
import type { Evaluate } from '../scope.js';
import { isRecord, itemOf, type JsonValue, memberOf, toInt, toText, type Value } from '../values.js';
import { type Call, type Functions, literalText, pure1, pure2, pureN, UNDEFINED } from './function.js';

function get(collection: Value, key: Value): Value {
  if (Array.isArray(collection)) return itemOf(collection, toInt(key));
  if (typeof collection === 'string') {
    const index = toInt(key);
    return index === undefined ? undefined : collection[index];
  }
  return typeof key === 'string' ? memberOf(collection, key) : undefined;
}

/** `encode(*, 'base64')` encodes the payload as it was sent, JSON or not. */
function compileEncode({ args: [value = UNDEFINED, scheme = UNDEFINED], syntax }: Call): Evaluate {
  const raw = syntax[0]?.kind === 'star';
  return (scope) => {
    if (scheme(scope) !== 'base64') return undefined;
    const encoded = raw ? scope.raw : value(scope);
    const bytes = encoded instanceof Uint8Array ? encoded : toText(encoded);
    return bytes === undefined ? undefined : Buffer.from(bytes as string).toString('base64');
  };
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function compileDecode(call: Call): Evaluate {
  const [value = UNDEFINED, scheme = UNDEFINED] = call.args;
  if (literalText(call.syntax[1]) === 'proto') call.refuse('decode() of protobuf is not supported');
  if (call.args.length !== 2) return UNDEFINED;
  return (scope) => {
    if (scheme(scope) !== 'base64') return undefined;
    const encoded = value(scope);
    if (encoded === undefined) return undefined;
    if (typeof encoded !== 'string' || encoded.length % 4 === 1 || !BASE64.test(encoded)) return null;
    const bytes = Buffer.from(encoded, 'base64');
    return readJson(bytes) ?? bytes.toString();
  };
}

/** `enrichArray` adds the object's members to each object of the array. */
function transform(mode: Value, object: Value, array: Value): Value {
  if (mode !== 'enrichArray' || !isRecord(object) || !Array.isArray(array)) return undefined;
  const items = array as readonly JsonValue[];
  return items.every(isRecord) ? items.map((item) => ({ ...item, ...object })) : undefined;
}

/** Values and their encodings: AWS IoT developer guide, "Functions". */
export const dataFunctions: Functions = {
  decode: { arity: [2, 6], since2016: true, compile: compileDecode },
  encode: { arity: [2, 2], since2016: true, compile: compileEncode },
  get: pure2(get),
  get_or_default: pureN([1, 2], (value, fallback) =>
    value === undefined || value === null ? fallback : value,
  ),
  isnull: pure1((value) => value === null),
  isundefined: { ...pure1((value) => value === undefined), since2016: true },
  transform: {
    ...pureN([3, 3], (mode, object, array) => transform(mode, object, array)),
    since2016: true,
  },
};
