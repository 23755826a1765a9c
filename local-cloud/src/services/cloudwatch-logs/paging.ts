import { rangeViolation } from '../../constraints.js';
import { behind, type Page, page, readToken } from '../../paging.js';
import { invalidParameter } from './errors.js';

/** Default and largest number of items of a page (CloudWatch Logs API reference). */
const PAGE_SIZE = 50;

/** A page of a list in order. @throws InvalidParameterException for a wrong token or limit. */
export function byName<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  token: string | undefined,
  limit: number = PAGE_SIZE,
): Page<T> {
  const problem = rangeViolation(limit, 'limit', 1, PAGE_SIZE);
  if (problem !== undefined) throw invalidParameter(problem);
  return page(behind(all, nameOf), nameOf, readToken(token, invalidToken), limit);
}

export const invalidToken = () => invalidParameter('The specified nextToken is invalid.');
