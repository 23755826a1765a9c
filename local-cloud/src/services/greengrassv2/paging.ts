import { behind, type Page, page, readToken } from '../../paging.js';
import { checkRange, invalid } from './errors.js';

/** Largest and usual page of the lists of AWS IoT Greengrass (API reference). */
const PAGE_SIZE = 100;

/** One page of a list in order of its keys. @throws ValidationException for a wrong token or limit. */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
  limit: number = PAGE_SIZE,
): Page<T> {
  checkRange(limit, 'maxResults', 1, PAGE_SIZE);
  const after = readToken(token, () => invalid('Invalid nextToken'));
  return page(behind(all, keyOf), keyOf, after, limit);
}
