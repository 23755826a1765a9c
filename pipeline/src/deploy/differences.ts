import { isObject, type Json, sameValue, type Value } from './json.js';
import type { Path } from './resource-schema.js';

/** A property that is to change: absent `before` is added, absent `after` removed. */
export interface Change {
  readonly path: Path;
  readonly before?: Json;
  readonly after?: Value;
}

/** The smallest differing parts of two objects; arrays count as one part. */
export function differences(before: Value, after: Value, path: Path = []): Change[] {
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].sort().flatMap((name): Change[] => {
      const old = Object.hasOwn(before, name) ? before[name] : undefined;
      const wanted = Object.hasOwn(after, name) ? after[name] : undefined;
      const at = [...path, name];
      if (old === undefined) return wanted === undefined ? [] : [{ path: at, after: wanted }];
      if (wanted === undefined) return [{ path: at, before: old as Json }];
      return differences(old, wanted, at);
    });
  }
  return sameValue(before, after) ? [] : [{ path, before: before as Json, after }];
}

/** Whether a change at `changed` changes the property at `path`, or something in it or around it. */
export function touches(changed: Path, path: Path): boolean {
  return path.slice(0, changed.length).every((name, index) => name === '*' || name === changed[index]);
}
