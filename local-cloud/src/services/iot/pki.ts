import 'reflect-metadata';
import { createHash, createPublicKey, generateKeyPair, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Clock } from '../../clock.js';
import type { Store } from '../../store/store.js';
import { invalid } from './errors.js';

/** A certificate as AWS IoT registers it. Times are milliseconds since 1970. */
export interface IssuedCertificate {
  /** SHA-256 of the DER encoding in hex. */
  readonly certificateId: string;
  readonly pem: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Set when the key was made here too. */
  readonly keyMadeHere?: true;
}

export interface KeyPairPem {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The local root of trust: what Amazon Root CA 1 and the AWS IoT device CA are in the cloud. */
export interface CertificateAuthority {
  readonly rootPem: string;
  /**
   * Signs a device's certificate from its signing request.
   *
   * @throws InvalidRequestException when the request is none, is not signed by its own key, or its key is weaker
   * than AWS IoT takes.
   */
  signRequest(csrPem: string): Promise<IssuedCertificate>;
  /** Makes an RSA key of 2048 bits, off the event loop, and signs its certificate. */
  issueWithKeys(): Promise<IssuedCertificate & { keyPair: KeyPairPem }>;
  /** The server's certificate for these names, made or renewed when it has to be. */
  serverCredentials(names: readonly string[]): Promise<{ certificate: string; key: string }>;
}

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const ROOT_NAME = 'CN=Local Cloud Root CA';
/** AWS IoT's own device certificates run until then. */
export const DEVICE_CERTIFICATE_END = Date.UTC(2049, 11, 31, 23, 59, 59);
const DAY = 24 * 60 * 60 * 1000;
const ROOT_LIFE = 50 * 365 * DAY;
/** What browsers and Apple's TLS accept at most. */
const SERVER_LIFE = 397 * DAY;
/** Left life under which the server's certificate is renewed. */
const SERVER_RENEWAL = 30 * DAY;

interface StoredPair {
  certificate: string;
  key: string;
}

interface StoredServerPair extends StoredPair {
  names: string[];
  notAfter: number;
}

/**
 * Opens the certificate authority of the store, making its root when there is none.
 *
 * @param deviceCertificateEnd end of the validity of device certificates, in milliseconds since 1970.
 */
export async function openCertificateAuthority(
  store: Store,
  clock: Clock,
  deviceCertificateEnd: () => number = () => DEVICE_CERTIFICATE_END,
): Promise<CertificateAuthority> {
  const table = store.table<StoredPair | StoredServerPair>('iot.authority');
  const stored = table.get('root') ?? (await makeRoot(clock));
  table.put('root', stored);
  const root = new X509Certificate(stored.certificate);
  const rootKey = await importKey(stored.key);
  const authorityIdentifier = await AuthorityKeyIdentifierExtension.create(root, false);

  async function signDevice(publicKey: PublicKey): Promise<IssuedCertificate> {
    // AWS IoT starts the validity two minutes early, for devices whose clock is behind.
    const notBefore = Math.floor(clock.now() / 1000 - 120) * 1000;
    const notAfter = deviceCertificateEnd();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: 'CN=AWS IoT Certificate',
      issuer: root.subject,
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      publicKey,
      signingKey: rootKey,
      signingAlgorithm: SIGNING,
      extensions: [
        authorityIdentifier,
        await SubjectKeyIdentifierExtension.create(publicKey),
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ],
    });
    return { ...describe(certificate), notBefore, notAfter };
  }

  return {
    rootPem: `${stored.certificate.trim()}\n`,
    signRequest: async (csrPem) => signDevice(await verifiedKey(csrPem)),
    async issueWithKeys() {
      const keyPair = await promisify(generateKeyPair)('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      });
      return { ...(await signDevice(new PublicKey(keyPair.publicKey))), keyMadeHere: true, keyPair };
    },
    async serverCredentials(names) {
      const current = table.get('server');
      if (current && 'names' in current && current.names.join() === names.join()) {
        if (current.notAfter - clock.now() > SERVER_RENEWAL) return current;
      }
      const keys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
      const notAfter = clock.now() + SERVER_LIFE;
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: 'CN=localhost',
        issuer: root.subject,
        notBefore: new Date(clock.now() - DAY),
        notAfter: new Date(notAfter),
        publicKey: keys.publicKey,
        signingKey: rootKey,
        signingAlgorithm: SIGNING,
        extensions: [
          authorityIdentifier,
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          new SubjectAlternativeNameExtension(
            names.map((name) => ({ type: isIP(name) ? 'ip' : 'dns', value: name })),
          ),
        ],
      });
      const pair = {
        certificate: `${certificate.toString('pem')}\n`,
        key: await exportKey(keys.privateKey),
        names: [...names],
        notAfter,
      };
      table.put('server', pair);
      return pair;
    },
  };
}

/**
 * The names that the listeners answer to: this machine's, and those that Greengrass cores derive from the region.
 */
export function serverNames(host: string, region: string): string[] {
  const domain = `${region}.amazonaws.com`;
  const names = [
    'localhost',
    '127.0.0.1',
    '::1',
    host,
    `*.iot.${domain}`,
    `greengrass-ats.iot.${domain}`,
    `*.credentials.iot.${domain}`,
    `s3.${domain}`,
    `*.s3.${domain}`,
  ];
  return [...new Set(names)].filter((name) => name !== '0.0.0.0' && name !== '::');
}

/**
 * Reads a certificate that was made elsewhere.
 *
 * @throws InvalidRequestException when the text is no certificate in PEM.
 */
export function readCertificate(pem: string): IssuedCertificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw invalid('Invalid certificate. The certificatePem is not an X.509 certificate in PEM format');
  }
  return {
    ...describe(certificate),
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
  };
}

function describe(certificate: X509Certificate): { certificateId: string; pem: string } {
  const certificateId = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex');
  return { certificateId, pem: `${certificate.toString('pem')}\n` };
}

async function makeRoot(clock: Clock): Promise<StoredPair> {
  const keys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: ROOT_NAME,
    notBefore: new Date(clock.now() - DAY),
    notAfter: new Date(clock.now() + ROOT_LIFE),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** The key of a signing request, after its signature and strength were checked. */
async function verifiedKey(csrPem: string): Promise<PublicKey> {
  let request: Pkcs10CertificateRequest;
  let details: { type: string | undefined; bits: number | undefined; curve: string | undefined };
  try {
    request = new Pkcs10CertificateRequest(csrPem);
    const key = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    const { modulusLength: bits, namedCurve: curve } = key.asymmetricKeyDetails ?? {};
    details = { type: key.asymmetricKeyType, bits, curve };
  } catch {
    throw invalid('Invalid CSR. The certificate signing request is not PKCS #10 in PEM format');
  }
  const strong =
    details.type === 'rsa'
      ? (details.bits ?? 0) >= 2048
      : details.type === 'ec' && CURVES.has(details.curve ?? '');
  if (!strong) {
    throw invalid(
      'Invalid CSR. The public key must be RSA of at least 2048 bits, or ECC on NIST P-256, P-384 or P-521',
    );
  }
  const genuine = await request.verify().catch(() => false);
  if (!genuine) throw invalid('Invalid CSR. Its signature was not made with the key that it names');
  return request.publicKey;
}

/** OpenSSL's names of the curves that AWS IoT takes in signing requests. */
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** A positive random number of 127 bits, in hex. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, SIGNING, false, ['sign']);
}
