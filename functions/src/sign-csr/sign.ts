import { CsrEvent, names, topics } from '@mooring/contracts';
import type { z } from 'zod';
import { type Certificate, UnsignableError } from '../rotation/certificates.js';
import { checkConnection } from '../rotation/connection.js';
import { deviceContext, whoSent } from '../rotation/device-event.js';
import { describe } from '../rotation/log.js';
import { PENDING_LIFE } from '../rotation/pending.js';
import type { RotationPorts } from '../rotation/ports.js';
import { certificateKeyId } from '../rotation/public-key.js';
import { type KnownRotation, onCurrentState, StateChangedError } from '../rotation/rotation-states.js';
import { withdraw } from '../rotation/withdraw.js';
import { readSigningRequest, type SigningRequest, SigningRequestError } from './signing-request.js';
import { findUnfinished } from './unfinished.js';

/** What came of a signing request. */
export type Signed =
  | { readonly outcome: 'issued'; readonly certificateId: string }
  | { readonly outcome: 'replayed' | 'refused'; readonly reason: string };

/** Certificates of a device that it was given and did not acknowledge yet, at most. */
const MOST_PENDING = 3;
/** Milliseconds for which somebody who noted that a certificate is being made may still be at it. */
const SIGNING_TIME = 30_000;

const Event = CsrEvent.extend(deviceContext);

const KEY_IN_USE = 'the key is that of a certificate in use';

/** Another invocation makes a certificate for this thing right now. */
export class SigningBusyError extends Error {
  override readonly name = 'SigningBusyError';
}

/**
 * Signs a device's certificate and sends it to the device. Whoever may not ask for it gets nothing, and a line in
 * the log; the state of a thing is written only for a request that came over a certificate of that thing.
 *
 * May be repeated, at any time, however far an earlier attempt came: a certificate is created inactive, attached to
 * the thing, given its policy and only then made active, so that what an attempt leaves behind is found by its
 * attachment and gone on with. Only between creating and attaching nothing points to it; therefore the attempt is
 * noted before, and the next one looks for what it left.
 *
 * @throws SigningBusyError while another invocation makes a certificate for this thing: to be tried again.
 * @throws the errors of AWS: to be tried again.
 */
export async function signCsr(event: unknown, ports: RotationPorts): Promise<Signed> {
  const parsed = Event.safeParse(event);
  if (!parsed.success) {
    return refused(ports, {
      ...whoSent(event),
      reason: 'the event is not one of the rule for signing requests',
    });
  }
  return onCurrentState(() => answer(parsed.data, ports));
}

async function answer(
  { thing, principal, csr }: z.infer<typeof Event>,
  ports: RotationPorts,
): Promise<Signed> {
  const { certificates, states, log, now } = ports;
  const asking = { thing, principal };
  // Before all else: what is written below is refused if anything of this has changed meanwhile.
  const known = await states.read(thing);
  const connection = await checkConnection(asking, certificates);
  if (!connection.ok) return refused(ports, { ...asking, reason: connection.reason });
  const { current, attached } = connection;
  const refuse = async (reason: string, version: number | undefined) => {
    const state = { stage: 'refused', at: now(), certificateId: principal, reason } as const;
    await states.write(thing, { state }, version);
    return refused(ports, { ...asking, reason });
  };

  let request: SigningRequest;
  try {
    request = await readSigningRequest(csr, asking);
  } catch (error) {
    if (!(error instanceof SigningRequestError)) throw error;
    const { keyId, message } = error;
    if (keyId === undefined) return refuse(message, known.version);
    // Late, doubled or replayed: what came of the rotation that it belonged to stays true.
    const held = [current, ...(await described(ports, attached, principal))];
    if (held.some(({ pem }) => certificateKeyId(pem) === keyId)) return replayed(ports, asking, KEY_IN_USE);
    if (known.state?.stage === 'completed') return replayed(ports, asking, message);
    return refuse(message, known.version);
  }

  const others = await described(ports, attached, principal);
  const later = others.filter(({ created }) => created >= current.created);
  const same = later.find(
    ({ pem, status }) => status !== 'REVOKED' && certificateKeyId(pem) === request.keyId,
  );
  if (same) return issue(ports, thing, same, known.version);
  const earlier = [current, ...others.filter((certificate) => !later.includes(certificate))];
  if (earlier.some(({ pem }) => certificateKeyId(pem) === request.keyId)) {
    return replayed(ports, asking, KEY_IN_USE);
  }

  const { leftover, full } = chooseLeftover(later, known, now());
  let { version } = known;
  for (const certificate of leftover) {
    version = await states.write(thing, { retiring: { [certificate.id]: true } }, version);
    await withdraw(certificates, thing, certificate, log);
    version = await states.write(thing, { retiring: { [certificate.id]: null } }, version);
  }
  if (full) return refuse(`${MOST_PENDING} certificates of the last day wait to be acknowledged`, version);
  try {
    return await make(ports, thing, request, { ...known, version });
  } catch (error) {
    if (!(error instanceof UnsignableError)) throw error;
    await states.write(thing, { signing: null });
    return refuse(error.message, undefined);
  }
}

/** Certificates by their ids, without those that are gone by now. */
async function described({ certificates }: RotationPorts, ids: readonly string[], except: string) {
  const found: Certificate[] = [];
  for (const id of ids) {
    const certificate = id === except ? undefined : await certificates.find(id);
    if (certificate) found.push(certificate);
  }
  return found;
}

/**
 * Which certificates that the device was given, and never acknowledged, make room for one more: those that an
 * earlier attempt began to delete, and the oldest that it cannot be expected to come back to.
 */
function chooseLeftover(pending: readonly Certificate[], { retiring }: KnownRotation, now: number) {
  const dying = pending.filter(({ id, status }) => status === 'REVOKED' || retiring.includes(id));
  const living = pending.filter((certificate) => !dying.includes(certificate));
  const surplus = Math.max(0, living.length - (MOST_PENDING - 1));
  const stale = living
    .filter(({ created }) => now - created > PENDING_LIFE)
    .sort((a, b) => a.created - b.created)
    .slice(0, surplus);
  return { leftover: [...dying, ...stale], full: stale.length < surplus };
}

/** Makes a certificate, or goes on with the one that an earlier attempt made. */
async function make(
  ports: RotationPorts,
  thing: string,
  request: SigningRequest,
  { signing, version }: Pick<KnownRotation, 'signing' | 'version'>,
): Promise<Signed> {
  const { certificates, states, log, now } = ports;
  if (version === undefined) {
    // Without a version, two invocations would not notice each other.
    await states.write(thing, { opened: true });
    throw new StateChangedError(thing);
  }
  if (signing && now() - signing.since < SIGNING_TIME) {
    throw new SigningBusyError(`a certificate for ${thing} is being made right now`);
  }
  const unfinished = signing && (await findUnfinished(certificates, signing));
  const wanted = signing?.key === request.keyId;
  if (unfinished && !wanted) await certificates.delete(unfinished.id);
  // Going on with a certificate keeps the note of when it was made.
  const since = unfinished && wanted ? signing.since : now();
  const noted = await states.write(thing, { signing: { key: request.keyId, since } }, version);
  const certificate = unfinished && wanted ? unfinished : await certificates.create(request.pem);
  try {
    await certificates.attachToThing(thing, certificate.arn);
  } catch (error) {
    log('csr-failed', { thing, certificateId: certificate.id, reason: describe(error) });
    await certificates.delete(certificate.id);
    throw error;
  }
  return issue(ports, thing, { ...certificate, status: 'INACTIVE' }, noted);
}

/** Makes an attached certificate one that the device can use, and sends it. */
async function issue(
  { certificates, states, publish, log, now }: RotationPorts,
  thing: string,
  { id, arn, pem, status }: Pick<Certificate, 'id' | 'arn' | 'pem' | 'status'>,
  version: number | undefined,
): Promise<Signed> {
  if (status !== 'ACTIVE') {
    await certificates.attachPolicy(names.devicePolicy, arn);
    await certificates.activate(id);
  }
  await states.write(
    thing,
    { state: { stage: 'issued', at: now(), certificateId: id }, signing: null },
    version,
  );
  await publish(topics.certificate(thing), { certificateArn: arn, certificateId: id, certificatePem: pem });
  log('certificate-issued', { thing, certificateId: id });
  return { outcome: 'issued', certificateId: id };
}

function replayed({ log }: RotationPorts, asking: object, reason: string): Signed {
  log('csr-replayed', { ...asking, reason });
  return { outcome: 'replayed', reason };
}

function refused({ log }: RotationPorts, fields: { readonly reason: string }): Signed {
  log('csr-refused', fields);
  return { outcome: 'refused', reason: fields.reason };
}
