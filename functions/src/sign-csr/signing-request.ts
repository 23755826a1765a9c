import 'reflect-metadata';
import type { KeyObject } from 'node:crypto';
import { CsrMessage } from '@mooring/contracts';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { z } from 'zod';
import { publicKeyId, publicKeyOf } from '../rotation/public-key.js';

/** A signing request that was checked. */
export interface SigningRequest {
  /** Exactly what was checked, encoded anew: nothing that stood around it. */
  readonly pem: string;
  /** As `publicKeyId` has it. */
  readonly keyId: string;
}

/** A signing request that is not signed, and why; it says no more of the request than that. */
export class SigningRequestError extends Error {
  override readonly name = 'SigningRequestError';
  /** The key of a request that is sound and this thing's, but made over a connection with another certificate. */
  readonly keyId: string | undefined;

  constructor(message: string, keyId?: string) {
    super(message);
    this.keyId = keyId;
  }
}

/** PKCS #9 challengePassword (RFC 2985 section 5.4.1). */
const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7';
const PEM =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----[\sA-Za-z0-9+/=]+-----END \1?CERTIFICATE REQUEST-----\s*$/;
/** OpenSSL's names of the curves that AWS IoT takes in signing requests (API reference, CreateCertificateFromCsr). */
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const RSA_BITS = 2048;
const Signature = z.object({ hash: z.object({ name: z.string() }) });
const HASHES = new Set(['SHA-256', 'SHA-384', 'SHA-512']);

/**
 * Reads a PKCS #10 signing request (RFC 2986) and checks that it is this device's: signed with the key that it
 * names, a key that is strong enough, and the right names in it. A common name, if there is one, has to be the
 * thing's; a challengePassword, if there is one, has to be the id of the certificate that made the connection,
 * which links the proof of possession of the new key to that connection (RFC 7030 section 3.5).
 *
 * @param csr what the device sent as `csr`.
 * @throws SigningRequestError for everything that is wrong with it.
 */
export async function readSigningRequest(
  csr: unknown,
  device: { readonly thing: string; readonly principal: string },
): Promise<SigningRequest> {
  const message = CsrMessage.shape.csr.safeParse(csr);
  if (!message.success)
    throw new SigningRequestError('the message has no signing request of at most 8192 characters');
  const { request, key } = parse(message.data);
  assertStrong(key);
  const hash = readOrRefuse(() => Signature.parse(request.signatureAlgorithm).hash.name);
  if (!HASHES.has(hash)) {
    throw new SigningRequestError(`its signature is made with ${hash}: SHA-256 or better is needed`);
  }
  if (!(await request.verify().catch(() => false))) {
    throw new SigningRequestError('its signature was not made with the key that it names');
  }
  const names = readOrRefuse(() => request.subjectName.getField('CN'));
  if (names.some((commonName) => commonName !== device.thing)) {
    throw new SigningRequestError('its common name is not that of the thing');
  }
  if (readOrRefuse(() => challengePasswords(request)).some((password) => password !== device.principal)) {
    const reason = 'its challengePassword is not the certificate of the connection';
    throw new SigningRequestError(reason, publicKeyId(key));
  }
  return { pem: `${request.toString('pem')}\n`, keyId: publicKeyId(key) };
}

function parse(pem: string): { request: Pkcs10CertificateRequest; key: KeyObject } {
  if (!PEM.test(pem)) throw new SigningRequestError('it is not one signing request in PEM');
  try {
    const request = new Pkcs10CertificateRequest(pem);
    return { request, key: publicKeyOf(request.publicKey.rawData) };
  } catch {
    throw new SigningRequestError('it is not a PKCS #10 signing request');
  }
}

function assertStrong(key: KeyObject): void {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength >= RSA_BITS) return;
      throw new SigningRequestError(`its RSA key has ${modulusLength} bits: ${RSA_BITS} are needed`);
    case 'ec':
      if (CURVES.has(namedCurve)) return;
      throw new SigningRequestError(`its key is on the curve ${namedCurve}: use P-256, P-384 or P-521`);
    default:
      throw new SigningRequestError(`its key is of type ${key.asymmetricKeyType}: use RSA or EC`);
  }
}

function challengePasswords(request: Pkcs10CertificateRequest): (string | undefined)[] {
  return request.attributes
    .filter(({ type }) => type === CHALLENGE_PASSWORD)
    .map((attribute) => ('password' in attribute ? String(attribute.password) : undefined));
}

/** What a getter of the parsed request says, which may find only then that its part is malformed. */
function readOrRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new SigningRequestError('it is malformed');
  }
}
