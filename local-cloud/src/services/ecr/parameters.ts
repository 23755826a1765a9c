import { page, readToken } from '../../paging.js';
import { unsatisfied } from './errors.js';

/** Default and largest number of items of a page (ECR API reference). */
const PAGE_SIZE = 100;
const LARGEST_PAGE = 1000;

/** One page of a list in order of a key. @throws InvalidParameterException */
export function pageOf<T>(
  listFrom: (after: string | undefined) => Iterable<T>,
  keyOf: (item: T) => string,
  { nextToken, maxResults = PAGE_SIZE }: { nextToken?: string | undefined; maxResults?: number | undefined },
): { items: T[]; nextToken?: string } {
  if (!Number.isInteger(maxResults) || maxResults < 1 || maxResults > LARGEST_PAGE) {
    throw unsatisfied('maxResults', `Member must have value between 1 and ${LARGEST_PAGE}`);
  }
  const after = readToken(nextToken, () => unsatisfied('nextToken', 'must be a token of an earlier page'));
  const { items, next } = page(listFrom, keyOf, after, maxResults);
  return { items, ...(next !== undefined && { nextToken: next }) };
}
