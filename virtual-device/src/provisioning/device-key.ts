import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFileDurably } from '../durable-file.js';
import { certificateSigningRequest } from './signing-request.js';

/** The device's key and a request for a certificate for it. */
export interface DeviceKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** PKCS #10, PEM. */
  readonly certificateSigningRequest: string;
}

/**
 * The P-256 key staged at `path`, made there if need be. A key that an interrupted provisioning left is
 * used again: nobody but this device ever held it.
 *
 * @param commonName of the request; AWS IoT keeps the subject of a CSR
 */
export function stagedDeviceKey(path: string, commonName: string): DeviceKey {
  const privateKey = existingKey(path) ?? newKey(path);
  return {
    privateKey,
    certificateSigningRequest: certificateSigningRequest(createPrivateKey(privateKey), commonName),
  };
}

/** Whether a certificate (PEM) was issued for a private key (PEM). */
export function certificateFitsKey(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

function existingKey(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const pem = readFileSync(path, 'utf8');
  try {
    return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve === 'prime256v1' ? pem : undefined;
  } catch {
    return undefined;
  }
}

function newKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileDurably(path, pem, 0o600);
  return pem;
}
