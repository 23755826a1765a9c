import { CertificateAckEvent, topics } from '@mooring/contracts';
import type { z } from 'zod';
import type { Certificate } from '../rotation/certificates.js';
import { checkConnection } from '../rotation/connection.js';
import { deviceContext, whoSent } from '../rotation/device-event.js';
import { describe } from '../rotation/log.js';
import { PENDING_LIFE } from '../rotation/pending.js';
import type { RotationPorts } from '../rotation/ports.js';
import { certificateKeyId } from '../rotation/public-key.js';
import { onCurrentState } from '../rotation/rotation-states.js';
import { withdraw } from '../rotation/withdraw.js';

/** What came of an acknowledgement. */
export type Retired =
  | { readonly outcome: 'completed'; readonly retired: readonly string[]; readonly kept: readonly string[] }
  | { readonly outcome: 'refused'; readonly reason: string };

const Event = CertificateAckEvent.extend(deviceContext);

/** Some certificates of a thing could not be retired. */
export class RetirementError extends Error {
  override readonly name = 'RetirementError';
}

/**
 * Takes a device's acknowledgement that it uses a certificate: all other certificates of this thing are retired, and
 * the device is told so. Only the certificate that made the connection can be acknowledged. A certificate that is
 * younger than the acknowledged one is kept, since the device may be about to switch to it: messages overtake each
 * other. Unless it is of the same key, made twice for one request, or so old that nobody can be waiting for it.
 *
 * May be repeated, at any time: an acknowledgement that was carried out is answered once more, in case that the
 * answer was lost.
 *
 * @throws RetirementError naming the certificates that are left: to be tried again.
 * @throws the errors of AWS: to be tried again.
 */
export async function retireCertificates(event: unknown, ports: RotationPorts): Promise<Retired> {
  const parsed = Event.safeParse(event);
  if (!parsed.success) {
    return refused(ports, {
      ...whoSent(event),
      reason: 'the event is not one of the rule for acknowledgements',
    });
  }
  return onCurrentState(() => acknowledge(parsed.data, ports));
}

async function acknowledge(
  { thing, principal, certificateArn }: z.infer<typeof Event>,
  ports: RotationPorts,
): Promise<Retired> {
  const { certificates, states, publish, log, now } = ports;
  const asking = { thing, principal };
  const known = await states.read(thing);
  const connection = await checkConnection(asking, certificates);
  if (!connection.ok) return refused(ports, { ...asking, reason: connection.reason });
  const { current, attached } = connection;
  if (certificateArn !== current.arn) {
    return refused(ports, {
      ...asking,
      reason: 'the acknowledged certificate is not that of the connection',
    });
  }

  const others: Certificate[] = [];
  for (const id of new Set([...attached, ...known.retiring])) {
    const certificate = id === principal ? undefined : await certificates.find(id);
    if (certificate) others.push(certificate);
  }
  const isOver = retirementOf(current, known.retiring, now());
  const retired = others.filter(isOver);
  const kept = others.filter((certificate) => !isOver(certificate));
  const version = await withdrawAll(ports, thing, retired, known.version);

  const { state } = known;
  const gone = Object.fromEntries([...known.retiring, ...idsOf(retired)].map((id) => [id, null]));
  const isDone = state?.stage === 'completed' && state.certificateId === principal;
  if (kept.length === 0 && !isDone) {
    const completed = { stage: 'completed', at: now(), certificateId: principal } as const;
    await states.write(thing, { state: completed, retiring: gone }, version);
  } else if (Object.keys(gone).length > 0) {
    // While the device is given another certificate already, that is how far its rotation is.
    await states.write(thing, { retiring: gone }, version);
  }
  await publish(topics.certificateDone(thing), { certificateArn: current.arn });
  log('certificate-acknowledged', { ...asking, retired: idsOf(retired), kept: idsOf(kept) });
  return { outcome: 'completed', retired: idsOf(retired), kept: idsOf(kept) };
}

/** Which certificates of a thing are over now that it uses `current`. */
function retirementOf(current: Certificate, retiring: readonly string[], now: number) {
  const key = certificateKeyId(current.pem);
  return ({ id, status, created, pem }: Certificate): boolean =>
    created <= current.created ||
    status === 'REVOKED' ||
    retiring.includes(id) ||
    now - created > PENDING_LIFE ||
    (key !== undefined && certificateKeyId(pem) === key);
}

/** Retires each, also when another one fails; returns the version that the state has by then. */
async function withdrawAll(
  { certificates, states, log }: RotationPorts,
  thing: string,
  retired: readonly Certificate[],
  version: number | undefined,
): Promise<number | undefined> {
  if (retired.length === 0) return version;
  const retiring = Object.fromEntries(retired.map(({ id }) => [id, true as const]));
  const noted = await states.write(thing, { retiring }, version);
  const failed: string[] = [];
  for (const certificate of retired) {
    try {
      await withdraw(certificates, thing, certificate, log);
    } catch (error) {
      failed.push(certificate.id);
      log('certificate-not-retired', { thing, certificateId: certificate.id, reason: describe(error) });
    }
  }
  if (failed.length > 0) {
    throw new RetirementError(`certificates of ${thing} could not be retired: ${failed.join(', ')}`);
  }
  return noted;
}

const idsOf = (certificates: readonly Certificate[]) => certificates.map(({ id }) => id);

function refused({ log }: RotationPorts, fields: { readonly reason: string }): Retired {
  log('ack-refused', fields);
  return { outcome: 'refused', reason: fields.reason };
}
