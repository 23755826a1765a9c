import { type Item, itemOf, type Value } from '../values/value.js';

/** A document path: names of attributes and map members, positions in lists. The first is a name. */
export type Path = readonly [string, ...(string | number)[]];

/** A path as DynamoDB's messages write it: `[a, b, [0]]`. */
export function pathText(path: Path): string {
  return `[${path.map((step) => (typeof step === 'number' ? `[${step}]` : step)).join(', ')}]`;
}

export function valueAt(item: Item, path: Path): Value | undefined {
  let value: Value | undefined = { M: item };
  for (const step of path) {
    if (value && typeof step === 'string' && 'M' in value) value = value.M[step];
    else if (value && typeof step === 'number' && 'L' in value) value = value.L[step];
    else return undefined;
  }
  return value;
}

/**
 * The item with `value` at `path`, or without it when that is undefined; what is set behind the end of a list
 * becomes its last element. Undefined when there is nothing that the path leads through.
 */
export function withValueAt(item: Item, path: Path, value: Value | undefined): Item | undefined {
  const changed = replaced({ M: item }, path, value);
  return changed && 'M' in changed ? changed.M : undefined;
}

function replaced(
  container: Value | undefined,
  [step, ...rest]: readonly (string | number)[],
  value: Value | undefined,
): Value | undefined {
  const inner = (current: Value | undefined) => (rest.length === 0 ? value : replaced(current, rest, value));
  if (!container || step === undefined) return undefined;
  if (typeof step === 'string' && 'M' in container) {
    const next = inner(container.M[step]);
    if (!next && rest.length > 0) return undefined;
    const others = Object.entries(container.M);
    if (!next) return { M: itemOf(others.filter(([name]) => name !== step)) };
    return { M: itemOf([...others, [step, next]]) };
  }
  if (typeof step === 'number' && 'L' in container) {
    const next = inner(container.L[step]);
    if (!next && rest.length > 0) return undefined;
    if (!next) return { L: container.L.filter((_, index) => index !== step) };
    if (step >= container.L.length) return { L: [...container.L, next] };
    return { L: container.L.map((each, index) => (index === step ? next : each)) };
  }
  return undefined;
}

/** Why two paths of one expression cannot stand beside each other; undefined when they can. */
export function clash(a: Path, b: Path): 'overlap' | 'conflict' | undefined {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    if (typeof a[index] !== typeof b[index]) return 'conflict';
    if (a[index] !== b[index]) return undefined;
  }
  return 'overlap';
}

/** Paths, or what is left of them, by their first step. */
export function byFirstStep<Each extends readonly (string | number)[]>(
  paths: readonly Each[],
): Map<string | number | undefined, Each[]> {
  const groups = new Map<string | number | undefined, Each[]>();
  for (const path of paths) {
    const group = groups.get(path[0]);
    if (group) group.push(path);
    else groups.set(path[0], [path]);
  }
  return groups;
}
