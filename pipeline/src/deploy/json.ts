import { z } from 'zod';

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A value that only the cloud can tell, and has not told yet. */
export const UNKNOWN: unique symbol = Symbol('known after apply');

/** A JSON value of which parts may be {@link UNKNOWN} while a plan is made. */
export type Value = string | number | boolean | null | typeof UNKNOWN | readonly Value[] | ValueObject;
export interface ValueObject {
  readonly [key: string]: Value;
}

/** Parses JSON data from outside. */
export const JsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.json());

export function isObject(value: Value | undefined): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two values are the same and wholly known; the order of an object's members does not matter. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === UNKNOWN || b === UNKNOWN) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
  }
  if (isObject(a)) {
    if (!isObject(b)) return false;
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
    );
  }
  return a === b;
}

/** Whether every part of the value is known. */
export function isKnown(value: Value): value is Json {
  if (value === UNKNOWN) return false;
  if (Array.isArray(value)) return value.every(isKnown);
  return !isObject(value) || Object.values(value).every(isKnown);
}
