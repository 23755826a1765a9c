import { invalidParameter } from './errors.js';

/** A page of a list in order; the token is the name that the page ended with. @throws InvalidParameterException. */
export function byName<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  token: string | undefined,
  limit: number,
): { items: T[]; nextToken: string | undefined } {
  let from = 0;
  if (token !== undefined) {
    const last = readToken(token);
    from = all.findIndex((item) => nameOf(item) === last) + 1;
    if (from === 0) throw invalidParameter('The specified nextToken is invalid.');
  }
  const items = all.slice(from, from + limit);
  const last = items.at(-1);
  return {
    items,
    nextToken: last !== undefined && from + items.length < all.length ? writeToken(nameOf(last)) : undefined,
  };
}

export function writeToken(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** @throws InvalidParameterException for what was not given out as a token here. */
export function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (text === '' || writeToken(text) !== token) {
    throw invalidParameter('The specified nextToken is invalid.');
  }
  return text;
}
