import { isObject, type Json, sameJson } from '../../shadows/json.js';

/** JSON as rules take and give it. */
export type JsonValue = Json;

/**
 * What an expression gives: JSON, Undefined, or the bytes of a payload that is not JSON.
 *
 * A number without fraction is an Int, any other a Decimal, as in SQL version 2016-03-23. Both are double precision
 * here, where AWS has 34 digits: integers beyond 2^53 lose their last digits when they are computed with.
 */
export type Value = Json | Uint8Array | undefined;

/** Conversions as AWS IoT's developer guide has them, "Data types", "Conversions". */

const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE]-?\d+)?$/;

/** Undefined for what is no number: Boolean, Array, Object, Null (which no function takes as a number). */
export function toDecimal(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !DECIMAL.test(value)) return undefined;
  return finite(Number(value));
}

/** Rounded down, as the functions do that take an Int. */
export function toInt(value: Value): number | undefined {
  const decimal = toDecimal(value);
  return decimal === undefined ? undefined : Math.floor(decimal);
}

export function toBoolean(value: Value): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Undefined for Null and Undefined. */
export function toText(value: Value): string | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return numberText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return JSON.stringify(value);
}

/** Integers in standard notation, others as Java's BigDecimal writes them: `1E-7`. */
function numberText(value: number): string {
  if (!Number.isInteger(value)) return String(value).toUpperCase();
  return Math.abs(value) < 1e21 ? String(value) : BigInt(value).toString();
}

/** Undefined for what double precision cannot hold, and for NaN, which stands for imaginary results. */
export function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** Ours: the longest text that a statement may make, in UTF-16 units; a longer one is Undefined. */
export const LONGEST_TEXT = 1024 * 1024;

/** The texts behind each other; Undefined when one is, or when they are too long. */
export function joined(texts: readonly (string | undefined)[]): string | undefined {
  let text = '';
  for (const part of texts) {
    if (part === undefined) return undefined;
    text += part;
    if (text.length > LONGEST_TEXT) return undefined;
  }
  return text;
}

/** Whether two values are equal as `=` has it; Undefined when one of them is. */
export function equal(left: Value, right: Value): boolean | undefined {
  if (left === undefined || right === undefined) return undefined;
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (left instanceof Uint8Array || right instanceof Uint8Array) return false;
  return sameJson(left, right);
}

/** A member of an object itself; Undefined when there is none, or no object. */
export function memberOf(value: Value, name: string): Value {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** An item of an array by its index, which counts from 0. */
export function itemOf(value: Value, index: number | undefined): Value {
  return Array.isArray(value) && index !== undefined ? (value[index] as Json | undefined) : undefined;
}

export function isRecord(value: Value): value is { readonly [name: string]: Json } {
  return !(value instanceof Uint8Array) && isObject(value);
}

/** Sets a member of an object that is being made; `__proto__` is a name like any other. */
export function setMember(target: Record<string, Json>, name: string, value: Json): void {
  if (name !== '__proto__') target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The value as JSON can hold it; bytes cannot be. */
export function asJson(value: Value): Json | undefined {
  return value instanceof Uint8Array ? undefined : value;
}
