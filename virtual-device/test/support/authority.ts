import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Authority {
  readonly certificate: string;
  /** A server certificate for loopback. */
  server(): Promise<Pair>;
  client(commonName: string): Promise<Pair>;
  sign(csrPem: string): Promise<string>;
}

const DAY = 86_400_000;
let serial = 1;

/** A certificate authority that lives as long as the test. */
export async function makeAuthority(name = 'Test CA'): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 30 * DAY),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto,
  );
  const issue = (subject: string, publicKey: x509.PublicKeyType, extensions: x509.Extension[]) => {
    serial += 1;
    return x509.X509CertificateGenerator.create(
      {
        serialNumber: serial.toString(16).padStart(4, '0'),
        subject,
        issuer: ca.subject,
        notBefore: new Date(Date.now() - DAY),
        notAfter: new Date(Date.now() + 10 * DAY),
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions,
      },
      webcrypto,
    );
  };
  const pair = async (subject: string, extensions: x509.Extension[]): Promise<Pair> => {
    const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await issue(subject, own.publicKey, extensions);
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
    return {
      certificate: certificate.toString('pem'),
      privateKey: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    };
  };
  return {
    certificate: ca.toString('pem'),
    server: () =>
      pair('CN=localhost', [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ]),
    client: (commonName) => pair(`CN=${commonName}`, []),
    sign: async (csrPem) => {
      const csr = new x509.Pkcs10CertificateRequest(csrPem);
      if (!(await csr.verify(webcrypto))) throw new Error('the CSR is not signed by its key');
      return (await issue(csr.subject, csr.publicKey, [])).toString('pem');
    },
  };
}

export function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}
