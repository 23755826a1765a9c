/** Pages of lists: the token of the next page is made of the key that the page before ended with. */
export interface Page<T> {
  readonly items: T[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * One page of a list in order of a key.
 *
 * @param listFrom the items behind that key, or all of them.
 * @param after key that the page before ended with, see {@link readToken}.
 */
export function page<T>(
  listFrom: (after: string | undefined) => Iterable<T>,
  keyOf: (item: T) => string,
  after: string | undefined,
  size: number,
): Page<T> {
  const items: T[] = [];
  for (const item of listFrom(after)) {
    const last = items.at(-1);
    if (items.length === size && last !== undefined) return { items, next: writeToken(keyOf(last)) };
    items.push(item);
  }
  return { items, next: undefined };
}

/** The items of a list in memory that stand behind a key; where it is gone, those whose keys are greater. */
export function behind<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
): (after: string | undefined) => readonly T[] {
  return (after) => {
    if (after === undefined) return all;
    const index = all.findIndex((item) => keyOf(item) === after);
    return index >= 0 ? all.slice(index + 1) : all.filter((item) => keyOf(item) > after);
  };
}

export function writeToken(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/**
 * The key that a token was made of.
 *
 * @param invalid the service's error for what was not given out as a token here; thrown.
 */
export function readToken(token: string, invalid: () => Error): string;
export function readToken(token: string | undefined, invalid: () => Error): string | undefined;
export function readToken(token: string | undefined, invalid: () => Error): string | undefined {
  if (token === undefined) return undefined;
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (key === '' || writeToken(key) !== token) throw invalid();
  return key;
}
