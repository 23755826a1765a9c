import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimsOf, decodeToken } from '../../src/services/sts/identity-token.js';

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('any text is a token or none, and never a failure', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.json().map(part)).map((parts) => parts.join('.')),
      ),
      (text) => {
        const token = decodeToken(text);
        if (token) claimsOf(token);
      },
    ),
  );
});

test('what is in a token is read as it was written', () => {
  const claims = fc.record({
    iss: fc.webUrl(),
    sub: fc.string({ minLength: 1, maxLength: 255 }),
    aud: fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 1 })),
    exp: fc.integer(),
    iat: fc.integer(),
  });
  fc.assert(
    fc.property(claims, fc.uint8Array({ minLength: 1 }), (written, signature) => {
      const signed = `${part({ alg: 'ES256' })}.${part(written)}`;
      const token = decodeToken(`${signed}.${Buffer.from(signature).toString('base64url')}`);
      expect(token && claimsOf(token)).toEqual(written);
      expect(token?.signed).toBe(signed);
    }),
  );
});
