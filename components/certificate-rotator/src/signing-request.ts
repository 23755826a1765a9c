import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  bitString,
  context0,
  integer,
  nothing,
  objectIdentifier,
  printableString,
  sequence,
  set,
  utf8String,
} from './der.js';

const COMMON_NAME = objectIdentifier('2.5.4.3');
const CHALLENGE_PASSWORD = objectIdentifier('1.2.840.113549.1.9.7');
/** X.520 allows a common name so many characters; a longer thing name stays out of the request. */
const LONGEST_COMMON_NAME = 64;

/**
 * A PKCS #10 certification request (RFC 2986) for a key, made by the holder of another certificate: the
 * challengePassword attribute (RFC 2985, 5.4.1) binds it to that certificate, as RFC 7030, 3.5 binds requests
 * to the TLS connection that they are made over.
 *
 * @param privateKey PEM, of an RSA key or an EC key of P-256 or P-384
 * @param certificateId of the certificate in use: SHA-256 of its DER encoding, in hexadecimal
 * @returns PEM
 */
export function signingRequest(privateKey: string, thing: string, certificateId: string): string {
  const key = createPrivateKey(privateKey);
  const { identifier, hash } = signatureOf(key);
  const name = thing.length > LONGEST_COMMON_NAME ? [] : [set(sequence(COMMON_NAME, utf8String(thing)))];
  const info = sequence(
    integer(0),
    sequence(...name),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    context0(sequence(CHALLENGE_PASSWORD, set(printableString(certificateId)))),
  );
  const request = sequence(info, identifier, bitString(sign(hash, info, key)));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join(
    '\n',
  );
}

/** Algorithm identifiers of RFC 4055 (RSA) and RFC 5758 (ECDSA). */
function signatureOf(key: KeyObject): { readonly identifier: Buffer; readonly hash: string } {
  if (key.asymmetricKeyType === 'rsa') {
    return { identifier: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing()), hash: 'sha256' };
  }
  if (key.asymmetricKeyDetails?.namedCurve === 'secp384r1') {
    return { identifier: sequence(objectIdentifier('1.2.840.10045.4.3.3')), hash: 'sha384' };
  }
  return { identifier: sequence(objectIdentifier('1.2.840.10045.4.3.2')), hash: 'sha256' };
}
