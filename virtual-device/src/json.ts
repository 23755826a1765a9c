import type { JsonValue } from './ipc/capabilities.js';

export type JsonObject = { readonly [key: string]: JsonValue };

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The keys of a JSON pointer (RFC 6901); undefined when the text is none. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value at a path of keys; array elements by index. Only a value's own keys count. */
export function valueAt(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let node = value;
  for (const key of path) {
    if (Array.isArray(node)) node = /^(0|[1-9]\d*)$/.test(key) ? node[Number(key)] : undefined;
    else if (isJsonObject(node)) node = Object.hasOwn(node, key) ? node[key] : undefined;
    else return undefined;
  }
  return node;
}

/** A copy with the value at a path replaced; objects missing on the way are made. */
export function withValueAt(root: JsonObject, path: readonly string[], value: JsonValue): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return isJsonObject(value) ? value : root;
  const child = Object.hasOwn(root, key) ? root[key] : undefined;
  return withOwn(
    root,
    key,
    rest.length === 0 ? value : withValueAt(isJsonObject(child) ? child : {}, rest, value),
  );
}

/** A copy without the value at a path. */
export function withoutValueAt(root: JsonObject, path: readonly string[]): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(root, key)) return root;
  if (rest.length === 0) return Object.fromEntries(Object.entries(root).filter(([name]) => name !== key));
  const child = root[key];
  return isJsonObject(child) ? withOwn(root, key, withoutValueAt(child, rest)) : root;
}

/** `change` laid over `base`: objects key by key, anything else replaces. */
export function merge(base: JsonObject, change: JsonObject): JsonObject {
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(change)) {
    const old = result.get(key);
    result.set(key, isJsonObject(old) && isJsonObject(value) ? merge(old, value) : value);
  }
  return Object.fromEntries(result);
}

/** Every string of a value put through `change`. */
export function mapStrings(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((element) => mapStrings(element, change));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapStrings(child, change)]));
}

/** Whether two values are the same, whatever the order of their keys. */
export function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  const areComposed = typeof a === 'object' && a !== null && typeof b === 'object' && b !== null;
  return areComposed && canonical(a) === canonical(b);
}

function canonical(value: JsonValue | undefined): string {
  return JSON.stringify(value, (_key, node: unknown) =>
    typeof node === 'object' && node !== null && !Array.isArray(node)
      ? Object.fromEntries(Object.entries(node).sort(([a], [b]) => (a < b ? -1 : 1)))
      : node,
  );
}

/** Computed keys, so that `__proto__` is a key like any other. */
function withOwn(object: JsonObject, key: string, value: JsonValue): JsonObject {
  return Object.fromEntries([...Object.entries(object).filter(([name]) => name !== key), [key, value]]);
}
