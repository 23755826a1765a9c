import { InvalidParameterException } from '@aws-sdk/client-cognito-identity-provider';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UserRecord } from '../../src/services/cognito-idp/tables.js';
import { userFilter } from '../../src/services/cognito-idp/user-filter.js';

const user: UserRecord = {
  username: 'anna',
  sub: '1',
  attributes: { email: 'a"b@example.org' },
  enabled: true,
  status: 'CONFIRMED',
  password: { salt: '', verifier: '' },
  created: 0,
  modified: 0,
};

test.each([
  ['username = "anna"', true],
  ['username ^= "an"', true],
  ['username = "an"', false],
  ['email = "a\\"b@example.org"', true],
  ['status = "Enabled"', true],
  ['cognito:user_status = "CONFIRMED"', true],
  ['name = "anna"', false],
  ['', true],
])('the filter %s: %s', (filter, expected) => {
  expect(userFilter(filter)(user)).toBe(expected);
});

test('any text is read as a filter or refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        userFilter(text)(user);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidParameterException);
      }
    }),
  );
});
