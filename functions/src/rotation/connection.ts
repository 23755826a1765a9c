import type { Certificate } from './certificates.js';
import type { RotationPorts } from './ports.js';

/** What stands behind a message of a device, or why nobody may ask for anything with it. */
export type Connection =
  | {
      readonly ok: true;
      /** The certificate that made the connection. */
      readonly current: Certificate;
      /** Ids of all certificates of the thing. */
      readonly attached: readonly string[];
    }
  | { readonly ok: false; readonly reason: string };

/** Checks that a message of a thing came over a connection that was made with an active certificate of this thing. */
export async function checkConnection(
  { thing, principal }: { readonly thing: string; readonly principal: string },
  certificates: Pick<RotationPorts['certificates'], 'ofThing' | 'find'>,
): Promise<Connection> {
  const attached = await certificates.ofThing(thing);
  if (attached === undefined) return { ok: false, reason: 'there is no such thing' };
  if (!attached.includes(principal)) {
    return { ok: false, reason: 'the certificate of the connection is not the thing’s' };
  }
  const current = await certificates.find(principal);
  if (current?.status !== 'ACTIVE') {
    return { ok: false, reason: 'the certificate of the connection is not active' };
  }
  return { ok: true, current, attached };
}
