import type { Certificate, Certificates } from '../rotation/certificates.js';
import { certificateKeyId } from '../rotation/public-key.js';

/** Milliseconds by which the clocks of the function and of AWS IoT may differ. */
const CLOCK_DIFFERENCE = 120_000;

/**
 * Finds the certificate that an attempt made and did not get to attach: AWS IoT tells its id only to that attempt,
 * so it is looked for among those that were made since, by its key. It is inactive and attached to nothing.
 *
 * @param attempt what that attempt noted before.
 */
export async function findUnfinished(
  certificates: Pick<Certificates, 'newestFirst' | 'find' | 'thingsOf'>,
  attempt: { readonly key: string; readonly since: number },
): Promise<Certificate | undefined> {
  for await (const { id, status, created } of certificates.newestFirst()) {
    if (created < attempt.since - CLOCK_DIFFERENCE) return undefined;
    if (status !== 'INACTIVE') continue;
    const certificate = await certificates.find(id);
    if (certificate === undefined || certificateKeyId(certificate.pem) !== attempt.key) continue;
    if ((await certificates.thingsOf(certificate.arn))?.length === 0) return certificate;
  }
  return undefined;
}
