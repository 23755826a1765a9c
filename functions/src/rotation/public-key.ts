import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

/** SHA-256 of a public key's DER encoding (SubjectPublicKeyInfo) in hexadecimal: equal keys have equal ids. */
export function publicKeyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** @returns the {@link publicKeyId} of a certificate; undefined when that cannot be read. */
export function certificateKeyId(pem: string): string | undefined {
  try {
    return publicKeyId(new X509Certificate(pem).publicKey);
  } catch {
    return undefined;
  }
}

/** @throws Error when the bytes are no SubjectPublicKeyInfo. */
export function publicKeyOf(spki: ArrayBuffer): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}
