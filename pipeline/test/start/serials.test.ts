import { parseAllowlist } from '@mooring/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseSerials } from '../../src/start/serials.js';

test('the listed devices come first, and the list stays as it is when it has enough', () => {
  const fleet = chooseSerials('# fleet\nb\na\nc\n', 2);
  expect(fleet).toEqual({ serials: ['b', 'a'], allowlist: '# fleet\nb\na\nc\n', madeUp: [] });
});

test('serial numbers are made up where the list is too short, and never twice', () => {
  const fleet = chooseSerials('1000000000000002', 4);
  expect(fleet.serials).toEqual([
    '1000000000000002',
    '1000000000000001',
    '1000000000000003',
    '1000000000000004',
  ]);
  expect(fleet.madeUp).toHaveLength(3);
});

test('any count gives as many different serial numbers, all on the allowlist', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/)), fc.nat(30), (listed, count) => {
      const { serials, allowlist } = chooseSerials(listed.join('\n'), count);
      expect(new Set(serials).size).toBe(count);
      for (const serial of serials) expect(parseAllowlist(allowlist)).toContain(serial);
    }),
  );
});
