import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ComponentError, reasonOf } from '../../runtime/src/errors.js';

/** What the log says of the device's certificate. */
export interface CertificateSummary {
  /** On one line, as RFC 4514 writes names but in the certificate's order: `CN=AWS IoT Certificate`. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/**
 * Reads the device's certificate, the first of a PEM file.
 *
 * @throws ComponentError `ENVIRONMENT` when there is none that can be read
 */
export async function readCertificate(path: string): Promise<CertificateSummary> {
  const advice = 'set the configuration key certificate to the path of the device certificate';
  let pem: Buffer;
  try {
    pem = await readFile(path);
  } catch (error) {
    throw new ComponentError(
      'ENVIRONMENT',
      `The device certificate cannot be read (${reasonOf(error)}); ${advice}`,
    );
  }
  try {
    const certificate = new X509Certificate(pem);
    return {
      subject: certificate.subject.split('\n').join(', '),
      notAfter: Date.parse(certificate.validTo),
    };
  } catch (error) {
    throw new ComponentError(
      'ENVIRONMENT',
      `${path} is no X.509 certificate in PEM (${reasonOf(error)}); ${advice}`,
    );
  }
}
