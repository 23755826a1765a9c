import { base64, type Item, itemOf, type Value } from './value.js';

/** The text that an item is kept as. JSON rather than the store's own format, which has no name `__proto__`. */
export function itemText(item: Item): string {
  return JSON.stringify(plainItem(item));
}

/** The item of a text that {@link itemText} wrote. */
export function itemFromText(text: string): Item {
  return revivedItem(JSON.parse(text) as PlainItem);
}

/** A value with its bytes in base64. */
type Plain =
  | Exclude<Value, { B: Uint8Array } | { BS: Uint8Array[] } | { L: Value[] } | { M: Item }>
  | { B: string }
  | { BS: string[] }
  | { L: Plain[] }
  | { M: PlainItem };
type PlainItem = { [name: string]: Plain };

function plainItem(item: Item): PlainItem {
  const plain: PlainItem = Object.create(null);
  for (const [name, value] of Object.entries(item)) plain[name] = plainValue(value);
  return plain;
}

function plainValue(value: Value): Plain {
  if ('B' in value) return { B: base64(value.B) };
  if ('BS' in value) return { BS: value.BS.map(base64) };
  if ('L' in value) return { L: value.L.map(plainValue) };
  if ('M' in value) return { M: plainItem(value.M) };
  return value;
}

function revivedItem(plain: PlainItem): Item {
  return itemOf(Object.entries(plain).map(([name, value]) => [name, revived(value)] as const));
}

function revived(plain: Plain): Value {
  if ('B' in plain) return { B: bytes(plain.B) };
  if ('BS' in plain) return { BS: plain.BS.map(bytes) };
  if ('L' in plain) return { L: plain.L.map(revived) };
  if ('M' in plain) return { M: revivedItem(plain.M) };
  return plain;
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
