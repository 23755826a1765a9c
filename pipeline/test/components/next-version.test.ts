import { expect, test } from 'vitest';
import { nextVersion } from '../../src/components/next-version.js';

test.each<[asked: string, published: string[], next: string]>([
  ['1.0.0', [], '1.0.0'],
  ['1.0.0', ['1.0.0'], '1.0.1'],
  ['1.0.1', ['1.0.0'], '1.0.1'],
  ['1.0.1', ['1.0.9', '1.0.1'], '1.0.10'],
  ['2.0.0', ['1.9.9'], '2.0.0'],
  ['1.5.0', ['2.0.0', '1.4.0'], '2.0.1'],
  ['1.0.0', ['1.0.0-rc.1'], '1.0.0'],
  ['1.0.0-rc.1', ['1.0.0-rc.1'], '1.0.0'],
])('a recipe of %s after %j becomes %s', (asked, published, next) => {
  expect(nextVersion(asked, published)).toBe(next);
});
