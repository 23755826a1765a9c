import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileResource, ResourcePatternError, type ResourceStyle } from '../../src/ipc/resource-pattern.js';

describe('resources of authorization policies', () => {
  it.each<[ResourceStyle, string, string, boolean]>([
    ['standard', '*', 'any/thing', true],
    ['standard', 'a/b', 'a/b', true],
    ['standard', 'a/b', 'a/bc', false],
    ['standard', 'a/*', 'a/', true],
    ['standard', 'a/*/c', 'a/b/b/c', true],
    ['standard', 'a/*/c', 'a/c', false],
    ['standard', '*b*', 'abc', true],
    ['standard', 'a/#', 'a/b', false],
    ['standard', 'a/#', 'a/#', true],
    ['standard', 'a/+', 'a/b', false],
    ['standard', 'a/*', 'a/#', true],
    ['standard', 'a${*}', 'a*', true],
    ['standard', 'a${*}', 'ab', false],
    ['standard', '${$}aws/${?}', '$aws/?', true],
    ['standard', '$aws/x', '$aws/x', true],
    ['mqtt', '#', 'any/thing', true],
    ['mqtt', 'a/#', 'a', true],
    ['mqtt', 'a/#', 'a/b/c', true],
    ['mqtt', 'a/#', 'ab', false],
    ['mqtt', 'a/+/c', 'a/b/c', true],
    ['mqtt', 'a/+/c', 'a/b/b/c', false],
    ['mqtt', 'a/+', 'a/+', true],
    ['mqtt', 'a/+', 'a/#', false],
    ['mqtt', '+', 'a', true],
    ['mqtt', '+/b', 'a/b', true],
    ['mqtt', 'a+', 'ab', false],
    ['mqtt', 'a+', 'a+', true],
    ['mqtt', 'a/#/b', 'a/#/b', true],
    ['mqtt', 'a/*/+', 'a/b/c/d', true],
    ['mqtt', 'a/*', 'a/b/c', true],
  ])('%s %s and %s: %s', (style, pattern, resource, expected) => {
    expect(compileResource(pattern, style)(resource)).toBe(expected);
  });

  it.each(['', 'a?', '${a}', 'a/${*', '${'])('refuses the pattern %j', (pattern) => {
    expect(() => compileResource(pattern, 'standard')).toThrow(ResourcePatternError);
  });

  it('agrees with a regular expression', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), minLength: 1, maxLength: 8 });
    const resource = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 });
    fc.assert(
      fc.property(pattern, resource, (written, text) => {
        const expected = new RegExp(`^${written.replaceAll('*', '.*')}$`).test(text);
        expect(compileResource(written, 'standard')(text)).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes no longer for a pattern of many wildcards', () => {
    const matches = compileResource('*a'.repeat(100), 'standard');
    expect(matches(`${'a'.repeat(5_000)}b`)).toBe(false);
  });
});
