import { randomInt } from 'node:crypto';
import { InvalidPasswordException } from '@aws-sdk/client-cognito-identity-provider';
import type { PasswordPolicy } from './tables.js';

/** What a new user pool asks of passwords (Amazon Cognito developer guide, "Adding user pool password requirements"). */
export const DEFAULT_PASSWORD_POLICY: PasswordPolicy = {
  MinimumLength: 8,
  RequireUppercase: true,
  RequireLowercase: true,
  RequireNumbers: true,
  RequireSymbols: true,
  TemporaryPasswordValidityDays: 7,
};

/** Characters that count as symbols, and the space, which does not at either end. */
const SYMBOL = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]|(?<=.) (?=.)/;
const LONGEST = 256;

/** @throws InvalidPasswordException that says what the password lacks. */
export function checkPassword(password: string, policy: PasswordPolicy): void {
  const problem =
    password.length < policy.MinimumLength
      ? 'Password not long enough'
      : password.length > LONGEST
        ? 'Password too long'
        : policy.RequireUppercase && !/[A-Z]/.test(password)
          ? 'Password must have uppercase characters'
          : policy.RequireLowercase && !/[a-z]/.test(password)
            ? 'Password must have lowercase characters'
            : policy.RequireNumbers && !/[0-9]/.test(password)
              ? 'Password must have numeric characters'
              : policy.RequireSymbols && !SYMBOL.test(password)
                ? 'Password must have symbol characters'
                : undefined;
  if (problem === undefined) return;
  throw new InvalidPasswordException({
    message: `Password did not conform with policy: ${problem}`,
    $metadata: {},
  });
}

const LETTERS = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz', '23456789', '!@#%&*+-_'] as const;

/** A random password that keeps to any policy of that length. */
export function temporaryPassword({ MinimumLength }: PasswordPolicy): string {
  const length = Math.max(12, MinimumLength);
  return Array.from({ length }, (_, index) => {
    const alphabet = LETTERS[index % LETTERS.length] ?? LETTERS[0];
    return alphabet[randomInt(alphabet.length)];
  }).join('');
}
