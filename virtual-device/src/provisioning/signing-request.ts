import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/**
 * A PKCS #10 certification request (RFC 2986) with a common name and no attributes, signed with
 * ecdsa-with-SHA256 (RFC 5758).
 *
 * @param privateKey a P-256 key
 * @returns PEM
 */
export function certificateSigningRequest(privateKey: KeyObject, commonName: string): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const info = sequence(
    der(INTEGER, Buffer.of(0)),
    sequence(der(SET, sequence(COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName, 'utf8'))))),
    publicKey,
    der(CONTEXT_0, Buffer.alloc(0)),
  );
  const signature = sign('sha256', info, privateKey);
  const bits = der(BIT_STRING, Buffer.concat([Buffer.of(0), signature]));
  const base64 = sequence(info, sequence(ECDSA_WITH_SHA256), bits).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join(
    '\n',
  );
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const SET = 0x31;
const SEQUENCE = 0x30;
const CONTEXT_0 = 0xa0;
/** Object identifiers 2.5.4.3 and 1.2.840.10045.4.3.2, encoded. */
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');

function sequence(...parts: Buffer[]): Buffer {
  return der(SEQUENCE, Buffer.concat(parts));
}

/** Tag, length and value of the distinguished encoding rules (X.690, 8.1). */
function der(tag: number, value: Buffer): Buffer {
  if (value.length < 0x80) return Buffer.concat([Buffer.of(tag, value.length), value]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  const significant = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 | significant.length), significant, value]);
}
