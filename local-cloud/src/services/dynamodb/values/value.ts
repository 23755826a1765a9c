import { compareNumbers, digitsOf } from './number.js';

/**
 * An attribute's value as it is kept: exactly one type, numbers in canonical form. It is one of the SDK's
 * `AttributeValue`s. Values are never changed in place.
 */
export type Value =
  | { S: string }
  | { N: string }
  | { B: Uint8Array }
  | { BOOL: boolean }
  | { NULL: true }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: Uint8Array[] }
  | { L: Value[] }
  | { M: Item };

/** An item, or a map in one; without a prototype, as names may be `__proto__`. */
export type Item = { [name: string]: Value };

export type TypeName = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS' | 'L' | 'M';

export function typeOf(value: Value): TypeName {
  return Object.keys(value)[0] as TypeName;
}

/** A map without a prototype of these entries. */
export function itemOf(entries: Iterable<readonly [string, Value]>): Item {
  const item: Item = Object.create(null);
  for (const [name, value] of entries) item[name] = value;
  return item;
}

/** Whether two values are the same: sets in any order, lists and maps member by member. */
export function equal(a: Value, b: Value): boolean {
  if ('L' in a && 'L' in b) {
    return a.L.length === b.L.length && a.L.every((value, index) => equalOrMissing(value, b.L[index]));
  }
  if ('M' in a && 'M' in b) {
    const names = Object.keys(a.M);
    return (
      names.length === Object.keys(b.M).length && names.every((name) => equalOrMissing(a.M[name], b.M[name]))
    );
  }
  const elements = elementsOf(a);
  if (elements) {
    const others = new Set(elementsOf(b));
    return (
      typeOf(a) === typeOf(b) && elements.length === others.size && elements.every((each) => others.has(each))
    );
  }
  return typeOf(a) === typeOf(b) && scalarText(a) === scalarText(b);
}

function equalOrMissing(a: Value | undefined, b: Value | undefined): boolean {
  return a !== undefined && b !== undefined && equal(a, b);
}

/** Negative, 0 or positive by the order of two values; undefined where there is none between them. */
export function compare(a: Value, b: Value): number | undefined {
  if ('N' in a && 'N' in b) return compareNumbers(a.N, b.N);
  if ('S' in a && 'S' in b) return Buffer.compare(Buffer.from(a.S), Buffer.from(b.S));
  if ('B' in a && 'B' in b) return Buffer.compare(a.B, b.B);
  return undefined;
}

/** The elements of a set as text; undefined for what is none. */
export function elementsOf(value: Value): string[] | undefined {
  if ('SS' in value) return value.SS;
  if ('NS' in value) return value.NS;
  if ('BS' in value) return value.BS.map(base64);
  return undefined;
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function scalarText(value: Value): string {
  if ('S' in value) return value.S;
  if ('N' in value) return value.N;
  if ('B' in value) return base64(value.B);
  return 'BOOL' in value ? String(value.BOOL) : '';
}

/** Bytes that DynamoDB counts an item for (developer guide, "DynamoDB item sizes and formats"). */
export function itemSize(item: Item): number {
  let size = 0;
  for (const [name, value] of Object.entries(item)) size += Buffer.byteLength(name) + valueSize(value);
  return size;
}

function valueSize(value: Value): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return numberSize(value.N);
  if ('B' in value) return value.B.length;
  if ('SS' in value) return total(value.SS, (each) => Buffer.byteLength(each));
  if ('NS' in value) return total(value.NS, numberSize);
  if ('BS' in value) return total(value.BS, (each) => each.length);
  // A list or map has 3 bytes of its own, and 1 for each member.
  if ('L' in value) return 3 + total(value.L, (each) => 1 + valueSize(each));
  if ('M' in value) return 3 + Object.keys(value.M).length + itemSize(value.M);
  return 1;
}

function numberSize(text: string): number {
  return Math.ceil(digitsOf(text) / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}

function total<Each>(all: readonly Each[], sizeOf: (each: Each) => number): number {
  return all.reduce((size, each) => size + sizeOf(each), 0);
}
