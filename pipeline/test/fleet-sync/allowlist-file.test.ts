import { AllowlistError, parseAllowlist } from '@mooring/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutSerials, withSerials } from '../../src/fleet-sync/allowlist-file.js';

test('new serial numbers come at the end, those that are listed change nothing', () => {
  expect(withSerials('# fleet\n1\n', ['2', '1', '2'])).toBe('# fleet\n1\n2\n');
  expect(withSerials('1', ['2'])).toBe('1\n2\n');
  expect(withSerials('1\n', ['1'])).toBe('1\n');
});

test('lines of serial numbers go, all others stay as they are', () => {
  expect(withoutSerials('# 1 is old\r\n 1 \r\n2', ['1', '3'])).toBe('# 1 is old\r\n2');
});

test.each(['a b', '', '#1', 'a/b'])('%j is refused as a serial number', (serial) => {
  expect(() => withSerials('', [serial])).toThrow(/is not a serial number/);
  expect(() => withoutSerials('', [serial])).toThrow(/is not a serial number/);
});

test('a malformed allowlist is refused, naming its line', () => {
  expect(() => withSerials('1\n1 1\n', ['2'])).toThrow(AllowlistError);
  expect(() => withoutSerials('1\n1 1\n', ['1'])).toThrow(/line 2/);
});

test('adding and taking away changes the list by just that, and no other line', () => {
  const serial = fc.stringMatching(/^[a-c1-3]{1,3}$/);
  const line = fc.oneof(serial, fc.constantFrom('', '# note', '  '));
  const text = fc
    .uniqueArray(line, { selector: (one) => (/^[a-c1-3]/.test(one) ? one : {}) })
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, fc.array(serial), (before, serials) => {
      const added = withSerials(before, serials);
      expect(parseAllowlist(added)).toEqual(new Set([...parseAllowlist(before), ...serials]));
      expect(added.startsWith(before)).toBe(true);
      const removed = withoutSerials(before, serials);
      expect([...parseAllowlist(removed)]).toEqual(
        [...parseAllowlist(before)].filter((one) => !serials.includes(one)),
      );
    }),
  );
});
