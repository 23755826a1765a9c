import { createPrivateKey, X509Certificate } from 'node:crypto';
import { CertificateMessage, type Parsed, parseMessage } from '@mooring/contracts';
import type { Payload } from '../../runtime/src/bus.js';
import { reasonOf } from '../../runtime/src/errors.js';
import type { Issued } from './certificate-store.js';

/** A certificate that the cloud issued. */
export interface IssuedCertificate {
  readonly issued: Issued;
  /** PEM, of this certificate alone. */
  readonly certificate: string;
  /** Whether it is for a private key, in PEM. */
  isFor(privateKey: string): boolean;
}

/**
 * Reads the message that brings a certificate, and sees that all of it speaks of the same certificate, and that its
 * time is not over. When its time begins is left to the cloud: a device's clock may be behind.
 *
 * @param now milliseconds since 1970
 */
export function readIssuedCertificate(payload: Payload, now: number): Parsed<IssuedCertificate> {
  const message = parseMessage(CertificateMessage, payload);
  if (!message.ok) return message;
  const { certificateArn, certificateId, certificatePem } = message.value;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certificatePem);
  } catch (error) {
    return { ok: false, problem: `certificatePem is no certificate (${reasonOf(error)})` };
  }
  const id = idOf(certificate);
  if (id !== certificateId) {
    return { ok: false, problem: `certificateId is not that of certificatePem, ${id}` };
  }
  if (!certificateArn.endsWith(`:cert/${id}`)) {
    return { ok: false, problem: 'certificateArn is not that of certificatePem' };
  }
  if (Date.parse(certificate.validTo) <= now) {
    return { ok: false, problem: `the certificate expired on ${certificate.validTo}` };
  }
  return {
    ok: true,
    value: {
      issued: { certificateArn, certificateId },
      certificate: certificate.toString(),
      isFor: (privateKey) => certificate.checkPrivateKey(createPrivateKey(privateKey)),
    },
  };
}

/** The id of a certificate (PEM) as AWS IoT has it: SHA-256 of its DER encoding, in hexadecimal. */
export function identify(certificate: string): string {
  return idOf(new X509Certificate(certificate));
}

/** A certificate (PEM) for a line of the log. */
export function describeCertificate(certificate: string): string {
  const parsed = new X509Certificate(certificate);
  return `${idOf(parsed)}, valid until ${new Date(parsed.validTo).toISOString()},`;
}

function idOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}
