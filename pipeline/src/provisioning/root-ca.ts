import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { MooringError } from '../errors.js';
import type { Target } from '../target.js';

/**
 * The certificate that devices have to trust: Amazon Root CA 1 (AWS IoT developer guide, Server
 * authentication), or the local cloud's own root. PEM.
 */
export async function rootCaOf(target: Target): Promise<string> {
  if (target.endpoint === undefined) {
    // Node.js carries Mozilla's list, which has Amazon's roots in it.
    const amazon = rootCertificates.find((root) =>
      new X509Certificate(root).subject.split('\n').includes('CN=Amazon Root CA 1'),
    );
    if (amazon === undefined) {
      throw new MooringError(
        'NoRootCa',
        'This Node.js does not carry the certificate of Amazon Root CA 1; use an official build',
      );
    }
    return `${amazon.trim()}\n`;
  }
  const response = await fetch(new URL('/_local/root-ca.pem', target.endpoint)).catch((error: unknown) => {
    throw error instanceof TypeError && error.cause ? error.cause : error;
  });
  if (!response.ok) {
    throw new MooringError(
      'NoRootCa',
      `${target.endpoint} gave no root certificate (HTTP ${response.status})`,
    );
  }
  return response.text();
}
