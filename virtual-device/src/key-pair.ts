import { X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { errnoOf } from './errors.js';

/** Where the device's certificate and its private key are. */
export interface KeyPairPaths {
  readonly certificatePath: string;
  readonly privateKeyPath: string;
}

/** PEM texts that belong together. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * Reads the device's certificate and private key as they are now. Both paths may lead through a symbolic link
 * that somebody moves at any instant, so that both change together: what is read comes from one side of such a
 * change, never the one file from before it and the other from after it.
 *
 * @throws Error of the file system
 */
export function readKeyPair(paths: KeyPairPaths): KeyPair {
  for (let attempt = 1; ; attempt++) {
    try {
      const before = placesOf(paths);
      const pair = {
        certificate: readFileSync(before.certificatePath, 'utf8'),
        privateKey: readFileSync(before.privateKeyPath, 'utf8'),
      };
      const after = placesOf(paths);
      const isSame =
        before.certificatePath === after.certificatePath && before.privateKeyPath === after.privateKeyPath;
      if (isSame || attempt >= MAX_ATTEMPTS) return pair;
    } catch (error) {
      // What the link led to before may be gone already.
      if (errnoOf(error) !== 'ENOENT' || attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

/** Links that move oftener than that while two files are read are no device's. */
const MAX_ATTEMPTS = 5;

function placesOf({ certificatePath, privateKeyPath }: KeyPairPaths): KeyPairPaths {
  return { certificatePath: realpathSync(certificatePath), privateKeyPath: realpathSync(privateKeyPath) };
}

/**
 * Says of a certificate (PEM) what explains that it is refused.
 *
 * @param now milliseconds since 1970
 */
export function describeCertificate(certificate: string, now: number): string {
  try {
    const { fingerprint256, validFrom, validTo } = new X509Certificate(certificate);
    const id = fingerprint256.replaceAll(':', '').toLowerCase();
    const time = (text: string) => new Date(text).toISOString();
    if (Date.parse(validTo) < now) return `certificate ${id} expired on ${time(validTo)}`;
    if (Date.parse(validFrom) > now) return `certificate ${id} is not valid before ${time(validFrom)}`;
    return `certificate ${id} is valid until ${time(validTo)}`;
  } catch {
    return 'the certificate on disk is none';
  }
}
