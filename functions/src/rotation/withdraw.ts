import type { Certificate, Certificates } from './certificates.js';
import type { Log } from './log.js';

/**
 * Takes a certificate away from a thing and deletes it, unless another thing uses it too. Revoked first, so that
 * nobody connects with it any more whatever happens then; detached late, because only what is attached is found
 * again. Who calls notes the certificate's id before, for the step between detaching and deleting.
 *
 * @returns whether it was deleted now.
 */
export async function withdraw(
  certificates: Certificates,
  thing: string,
  { id, arn }: Pick<Certificate, 'id' | 'arn'>,
  log: Log,
): Promise<boolean> {
  const things = await certificates.thingsOf(arn);
  if (things === undefined) return false;
  if (things.some((other) => other !== thing)) {
    await certificates.detachFromThing(thing, arn);
    log('certificate-shared', { thing, certificateId: id, things });
    return false;
  }
  await certificates.revoke(id);
  await certificates.detachPolicies(arn);
  await certificates.detachFromThing(thing, arn);
  await certificates.delete(id);
  log('certificate-deleted', { thing, certificateId: id });
  return true;
}
