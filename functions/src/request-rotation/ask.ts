import { type CsrRequestMessage, type RotationState, topics } from '@mooring/contracts';
import type { RotationPorts } from '../rotation/ports.js';
import type { KnownRotation } from '../rotation/rotation-states.js';

type AskPorts = Pick<RotationPorts, 'states' | 'publish' | 'now'>;

/**
 * Asks a device for a signing request. The state says so first, as the device may answer at once; the note `unsent`
 * beside it tells a retry that the message itself may not have been sent.
 *
 * @param certificateId the certificate that is to be replaced, if it is known which.
 */
export async function ask(
  { states, publish, now }: AskPorts,
  thing: string,
  certificateId: string | undefined,
  message: CsrRequestMessage,
): Promise<void> {
  const state: RotationState = { stage: 'requested', at: now(), certificateId: certificateId ?? null };
  await states.write(thing, { state, unsent: true });
  await publish(topics.csrRequest(thing), message);
  await states.write(thing, { unsent: null });
}

/**
 * Whether a certificate that an audit found is taken care of: its device was asked lately, or was given a new one.
 * An audit may be told of twice, and its findings may be older than the rotation that they ask for.
 *
 * @param patience milliseconds after which a device that did not go on is asked again.
 */
export function isUnderWay(
  { state, unsent }: Pick<KnownRotation, 'state' | 'unsent'>,
  certificateId: string,
  patience: number,
  now: number,
): boolean {
  if (state === undefined || now - state.at >= patience) return false;
  switch (state.stage) {
    case 'requested':
      return !unsent && state.certificateId === certificateId;
    case 'refused':
      return state.certificateId === certificateId;
    case 'issued':
      return true;
    case 'completed':
      // Otherwise the new certificate itself is about to expire.
      return state.certificateId !== certificateId;
  }
}
