/** A page of keys, with those that have the delimiter behind the prefix rolled up. */
export interface KeyPage<T> {
  readonly items: readonly T[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page goes on, exclusively: a key or a common prefix; undefined on the last page. */
  readonly next: string | undefined;
}

/** The last possible suffix: behind every key that has what stands before it. */
export const BEHIND_ALL = '\u{10ffff}';

/**
 * Collects a page of a listing (S3 API reference, `ListObjectsV2`): keys and common prefixes count alike
 * against `limit`.
 *
 * @param entriesAfter keys with the prefix in order, from behind the given one.
 * @param include whether an entry belongs to the listing at all.
 * @param after key or common prefix that the page before ended with.
 */
export function keyPage<T>(options: {
  entriesAfter: (after: string | undefined) => Iterable<[key: string, value: T]>;
  include?: (value: T) => boolean;
  prefix: string;
  delimiter: string | undefined;
  after: string | undefined;
  limit: number;
}): KeyPage<[key: string, value: T]> {
  const { entriesAfter, include = () => true, prefix, delimiter, limit } = options;
  const items: [string, T][] = [];
  const commonPrefixes: string[] = [];
  let last: string | undefined;
  let after = options.after;
  // A page that ended with a common prefix goes on behind all keys that are rolled up in it.
  if (after !== undefined && delimiter && groupOf(after, prefix, delimiter) === after) after += BEHIND_ALL;
  if (limit === 0) return { items, commonPrefixes, next: undefined };
  for (;;) {
    let skipTo: string | undefined;
    for (const [key, value] of entriesAfter(after)) {
      if (!include(value)) continue;
      if (items.length + commonPrefixes.length === limit) return { items, commonPrefixes, next: last };
      const group = delimiter ? groupOf(key, prefix, delimiter) : undefined;
      if (group === undefined) {
        items.push([key, value]);
        last = key;
        continue;
      }
      commonPrefixes.push(group);
      last = group;
      skipTo = group + BEHIND_ALL;
      break;
    }
    if (skipTo === undefined) return { items, commonPrefixes, next: undefined };
    after = skipTo;
  }
}

/** The common prefix that a key is rolled up in, if it has the delimiter behind the prefix. */
export function groupOf(key: string, prefix: string, delimiter: string): string | undefined {
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}
