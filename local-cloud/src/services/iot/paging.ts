import { rangeViolation } from '../../constraints.js';
import { behind, type Page, page as pageBehind, readToken } from '../../paging.js';
import { invalid } from './errors.js';

/** Default and largest number of items of a page (AWS IoT API reference: 250 for most lists). */
const PAGE_SIZE = 250;

/**
 * One page of a list that is ordered by a key.
 *
 * @param listFrom the items behind that key, or all of them.
 * @param token what the last page returned as `next`.
 * @throws InvalidRequestException when the token was not made here, or the limit is not from 1 to 250.
 */
export function page<T>(
  listFrom: (after: string | undefined) => Iterable<T>,
  keyOf: (item: T) => string,
  token: string | undefined,
  limit: number = PAGE_SIZE,
): Page<T> {
  const problem = rangeViolation(limit, 'maxResults', 1, PAGE_SIZE);
  if (problem !== undefined) throw invalid(problem);
  const after = readToken(token, () => invalid('Invalid pagination token'));
  return pageBehind(listFrom, keyOf, after, limit);
}

/** A page of a list that is already in memory, in order of its keys or not. */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
  limit: number | undefined,
): Page<T> {
  return page(behind(all, keyOf), keyOf, token, limit);
}
