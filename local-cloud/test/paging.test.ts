import fc from 'fast-check';
import { expect, test } from 'vitest';
import { behind, page, readToken, writeToken } from '../src/paging.js';

const invalid = () => new RangeError('invalid');
const key = fc.string({ unit: 'binary', minLength: 1 });

test('the pages of a list are the list, each as long as it may be', () => {
  fc.assert(
    fc.property(fc.uniqueArray(key), fc.integer({ min: 1, max: 5 }), (keys, size) => {
      const sorted = keys.sort();
      const pages: string[][] = [];
      let token: string | undefined;
      do {
        const { items, next } = page(
          behind(sorted, (item) => item),
          (item) => item,
          readToken(token, invalid),
          size,
        );
        pages.push(items);
        token = next;
      } while (token !== undefined);
      expect(pages.flat()).toEqual(sorted);
      expect(pages.slice(0, -1).every(({ length }) => length === size)).toBe(true);
    }),
  );
});

test('a page goes on where the one before ended, also when that item is gone', () => {
  const list = (...items: string[]) => behind(items, (item) => item)('b');
  expect(list('a', 'b', 'c')).toEqual(['c']);
  expect(list('a', 'c')).toEqual(['c']);
});

test('a token is what was given out, and nothing else', () => {
  fc.assert(
    fc.property(key, (text) => {
      expect(readToken(writeToken(text), invalid)).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (token) => {
      try {
        expect(writeToken(readToken(token, invalid))).toBe(token);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
