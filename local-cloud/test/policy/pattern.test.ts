import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesArn, matchesPattern } from '../../src/policy/index.js';

/** The plain meaning of a pattern, by a regular expression. */
function oracle(pattern: string, text: string): boolean {
  const source = [...pattern]
    .map((character) =>
      character === '*' ? '.*' : character === '?' ? '.' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
    )
    .join('');
  return new RegExp(`^${source}$`, 'su').test(text);
}

const letters = (unit: fc.Arbitrary<string>, maxLength: number) => fc.string({ unit, maxLength });

test('wildcards mean what a regular expression of them means', () => {
  fc.assert(
    fc.property(
      letters(fc.constantFrom('a', 'b', '*', '?'), 8),
      letters(fc.constantFrom('a', 'b', 'c'), 12),
      (pattern, text) => {
        expect(matchesPattern(pattern, text)).toBe(oracle(pattern, text));
      },
    ),
    { numRuns: 2000 },
  );
});

test('any text matches itself, a star for any part of it, and a question mark for any character', () => {
  const plain = letters(fc.constantFrom('a', '/', ':', '.', 'ü', '\u{1f600}', '-'), 20);
  fc.assert(
    fc.property(plain, plain, plain, (before, middle, after) => {
      const text = before + middle + after;
      expect(matchesPattern(text, text)).toBe(true);
      expect(matchesPattern(`${before}*${after}`, text)).toBe(true);
      expect(matchesPattern('?'.repeat([...text].length), text)).toBe(true);
      expect(matchesPattern(`${text}?`, text)).toBe(false);
    }),
  );
});

test('a hostile pattern does not take exponential time', () => {
  expect(matchesPattern('*a'.repeat(2000), `${'a'.repeat(5000)}b`)).toBe(false);
});

describe('ARN patterns', () => {
  test.each([
    ['*', 'arn:aws:s3:::b/k', true],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b/k/l:m', true],
    ['arn:aws:s3:::b*', 'arn:aws:s3:::b', true],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b', false],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::c/k', false],
    ['arn:*:s3:::b', 'arn:aws:s3:::b', true],
    ['arn:*', 'arn:aws:s3:::b', false],
    ['arn:aws:logs:*:*:*', 'arn:aws:logs:eu-central-1:1:log-group:/a:log-stream:b', true],
    ['arn:aws:*:b', 'arn:aws:s3:::b', false],
  ])('%s and %s: %s', (pattern, arn, expected) => {
    expect(matchesArn(pattern, arn)).toBe(expected);
  });

  test('variables stand for values of the request, without wildcards of their own', () => {
    const context = new Map([['aws:principalarn', 'a*b']]);
    expect(matchesPattern('x/${aws:PrincipalArn}', 'x/a*b', context)).toBe(true);
    expect(matchesPattern('x/${aws:PrincipalArn}', 'x/aXb', context)).toBe(false);
    expect(matchesPattern('x/${aws:username}', 'x/', context)).toBe(false);
    expect(matchesPattern("x/${aws:username, 'nobody'}", 'x/nobody', context)).toBe(true);
    expect(matchesPattern('${*}${?}${$}', '*?$', context)).toBe(true);
    expect(matchesPattern('${*}', 'anything', context)).toBe(false);
  });
});
