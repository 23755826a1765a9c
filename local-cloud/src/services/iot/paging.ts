import { invalid } from './errors.js';

/** Default and largest number of items of a page (AWS IoT API reference: 250 for most lists). */
const PAGE_SIZE = 250;

export interface Page<T> {
  readonly items: T[];
  readonly next: string | undefined;
}

/**
 * One page of a list that is ordered by a key.
 *
 * @param listFrom the items behind that key, or all of them.
 * @param token what the last page returned as `next`.
 * @throws InvalidRequestException when the token was not made here.
 */
export function page<T>(
  listFrom: (after: string | undefined) => Iterable<T>,
  keyOf: (item: T) => string,
  token: string | undefined,
  limit: number | undefined,
): Page<T> {
  const size = limit ?? PAGE_SIZE;
  if (size < 1 || size > PAGE_SIZE) throw invalid(`A page holds from 1 to ${PAGE_SIZE} items, not ${size}`);
  const items: T[] = [];
  for (const item of listFrom(token === undefined ? undefined : decode(token))) {
    const last = items.at(-1);
    if (items.length === size && last !== undefined) return { items, next: encode(keyOf(last)) };
    items.push(item);
  }
  return { items, next: undefined };
}

/** A page of a list that is already in memory, in order of its keys or not. */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
  limit: number | undefined,
): Page<T> {
  const from = (after: string | undefined) => {
    if (after === undefined) return all;
    const index = all.findIndex((item) => keyOf(item) === after);
    return index >= 0 ? all.slice(index + 1) : all.filter((item) => keyOf(item) > after);
  };
  return page(from, keyOf, token, limit);
}

function encode(key: string): string {
  return Buffer.from(`1:${key}`).toString('base64url');
}

function decode(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1:') || encode(text.slice(2)) !== token) throw invalid('Invalid pagination token');
  return text.slice(2);
}
