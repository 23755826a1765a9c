import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyAlgorithm } from './configuration.js';

const generate = promisify(generateKeyPair);

/** Makes a private key. @returns PKCS #8 in PEM, which the core device reads whatever the kind of key */
export async function newPrivateKey(algorithm: KeyAlgorithm): Promise<string> {
  const privateKey = await generateFor(algorithm);
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function generateFor(algorithm: KeyAlgorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'EC-P256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
    case 'EC-P384':
      return (await generate('ec', { namedCurve: 'P-384' })).privateKey;
    default:
      return (await generate('rsa', { modulusLength: Number(algorithm.slice('RSA-'.length)) })).privateKey;
  }
}
