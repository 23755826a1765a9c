import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { newPrivateKey } from '../../certificate-rotator/src/keys.js';
import { signingRequest } from '../../certificate-rotator/src/signing-request.js';

const ID = '0123456789abcdef'.repeat(4);
const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7';

describe('signingRequest', () => {
  it.each([
    ['EC-P256', { namedCurve: 'prime256v1' }],
    ['EC-P384', { namedCurve: 'secp384r1' }],
    ['RSA-2048', { modulusLength: 2_048 }],
    ['RSA-3072', { modulusLength: 3_072 }],
  ] as const)('of a key %s is signed by it and names thing and certificate', async (algorithm, details) => {
    const privateKey = await newPrivateKey(algorithm);
    expect(createPrivateKey(privateKey).asymmetricKeyDetails).toMatchObject(details);
    const request = new x509.Pkcs10CertificateRequest(signingRequest(privateKey, 'SN:1_a-b', ID));
    expect(await request.verify(webcrypto)).toBe(true);
    expect(request.subject).toBe('CN=SN:1_a-b');
    const publicKey = createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'der' });
    expect(Buffer.from(request.publicKey.rawData)).toEqual(publicKey);
    expect(request.attributes.map(({ type }) => type)).toEqual([CHALLENGE_PASSWORD]);
    const [challenge] = request.attributes;
    expect(challenge instanceof x509.ChallengePasswordAttribute && challenge.password).toBe(ID);
  });

  it('leaves out a thing name that is longer than a common name may be', async () => {
    const privateKey = await newPrivateKey('EC-P256');
    const subject = (thing: string) =>
      new x509.Pkcs10CertificateRequest(signingRequest(privateKey, thing, ID)).subject;
    expect(subject('a'.repeat(64))).toBe(`CN=${'a'.repeat(64)}`);
    expect(subject('a'.repeat(65))).toBe('');
  });
});
