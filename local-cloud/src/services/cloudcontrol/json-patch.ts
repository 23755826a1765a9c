/** One operation of a patch document (RFC 6902, section 4), its pointers already split into their parts. */
export type PatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: readonly string[]; value: unknown }
  | { op: 'remove'; path: readonly string[] }
  | { op: 'move' | 'copy'; path: readonly string[]; from: readonly string[] };

/** A patch document that is malformed, or that does not fit the document it is applied to. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}

type JsonObject = Record<string, unknown>;

/**
 * Reads a patch document.
 *
 * @throws PatchError naming the operation that is not one of RFC 6902.
 */
export function parsePatch(text: string): PatchOperation[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new PatchError('the patch document is not JSON');
  }
  if (!Array.isArray(data)) throw new PatchError('the patch document is not an array of operations');
  return data.map(parseOperation);
}

function parseOperation(data: unknown, index: number): PatchOperation {
  const where = `operation ${index}`;
  if (!isObject(data)) throw new PatchError(`${where} is not an object`);
  const path = parsePointer(data.path, `${where}, path`);
  switch (data.op) {
    case 'add':
    case 'replace':
    case 'test':
      if (!Object.hasOwn(data, 'value')) throw new PatchError(`${where} has no value`);
      return { op: data.op, path, value: data.value };
    case 'remove':
      return { op: 'remove', path };
    case 'move':
    case 'copy':
      return { op: data.op, path, from: parsePointer(data.from, `${where}, from`) };
    default:
      throw new PatchError(
        `${where} has the op ${JSON.stringify(data.op)}, which is none of add, remove, replace, move, copy, test`,
      );
  }
}

/** Splits a JSON Pointer (RFC 6901) into its parts. */
function parsePointer(pointer: unknown, where: string): string[] {
  if (typeof pointer !== 'string') throw new PatchError(`${where} is not a string`);
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new PatchError(`${where} does not start with /`);
  return pointer
    .slice(1)
    .split('/')
    .map((part) => {
      if (/~(?![01])/.test(part))
        throw new PatchError(`${where} has a ~ that is followed by neither 0 nor 1`);
      return part.replaceAll('~1', '/').replaceAll('~0', '~');
    });
}

/**
 * Applies a patch to a document and returns the result; the document itself stays as it is.
 *
 * @throws PatchError when an operation does not fit; then nothing of the patch holds (RFC 6902, section 5).
 */
export function applyPatch(document: unknown, patch: readonly PatchOperation[]): unknown {
  return patch.reduce(applyOperation, structuredClone(document));
}

function applyOperation(root: unknown, operation: PatchOperation): unknown {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      return add(root, path, structuredClone(operation.value));
    case 'remove':
      valueAt(root, path);
      return remove(root, path);
    case 'replace':
      valueAt(root, path);
      // An element of an array is replaced in its place, which removing and adding amounts to.
      return path.length === 0
        ? structuredClone(operation.value)
        : add(remove(root, path), path, structuredClone(operation.value));
    case 'copy':
      return add(root, path, structuredClone(valueAt(root, operation.from)));
    case 'move': {
      const { from } = operation;
      if (from.length < path.length && from.every((part, index) => part === path[index])) {
        throw new PatchError(`${show(from)} cannot be moved into itself, to ${show(path)}`);
      }
      const value = valueAt(root, from);
      return add(remove(root, from), path, value);
    }
    case 'test':
      if (!jsonEquals(valueAt(root, path), operation.value)) {
        throw new PatchError(`the test of ${show(path)} failed`);
      }
      return root;
  }
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const [depth, part] of path.entries()) {
    const here = path.slice(0, depth + 1);
    if (Array.isArray(value)) value = value[elementIndex(value, part, here, value.length - 1)];
    else if (isObject(value) && Object.hasOwn(value, part)) value = value[part];
    else throw new PatchError(`there is no ${show(here)}`);
  }
  return value;
}

function add(root: unknown, path: readonly string[], value: unknown): unknown {
  const name = path.at(-1);
  if (name === undefined) return value;
  const parent = valueAt(root, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = name === '-' ? parent.length : elementIndex(parent, name, path, parent.length);
    parent.splice(index, 0, value);
  } else if (isObject(parent)) {
    // Defined, not assigned: a member named __proto__ is an ordinary one in JSON.
    Object.defineProperty(parent, name, { value, writable: true, enumerable: true, configurable: true });
  } else throw new PatchError(`${show(path.slice(0, -1))} is neither an object nor an array`);
  return root;
}

function remove(root: unknown, path: readonly string[]): unknown {
  const name = path.at(-1);
  if (name === undefined) return undefined;
  const parent = valueAt(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(elementIndex(parent, name, path, parent.length - 1), 1);
  else if (isObject(parent)) delete parent[name];
  return root;
}

/** Array indexes are digits without leading zeros (RFC 6901, section 4), up to `last`. */
function elementIndex(array: unknown[], part: string, path: readonly string[], last: number): number {
  const index = /^(0|[1-9]\d*)$/.test(part) ? Number(part) : Number.NaN;
  if (index <= last) return index;
  throw new PatchError(`there is no ${show(path)}: the array has ${array.length} elements`);
}

/** Equality of JSON values (RFC 6902, section 4.6). */
export function jsonEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEquals(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && jsonEquals(a[name], b[name]))
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(path: readonly string[]): string {
  return `/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;
}
