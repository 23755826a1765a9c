import type { RotateThingsAnswer } from '@mooring/contracts';
import { type AuditPorts, askAudited } from './audit.js';
import { type AuditProgress, readEvent } from './event.js';
import { askThings } from './things.js';

/** What the requesting function needs of its surroundings. */
export interface RequestPorts extends AuditPorts {
  /** Has this function go on with this event, in an invocation of its own. */
  readonly continueWith: (event: { readonly audits: readonly AuditProgress[] }) => Promise<void>;
}

/**
 * Asks devices to rotate their certificates: those that an audit found, or things by name.
 *
 * @returns the answer about things by name; nothing otherwise.
 * @throws UnknownEventError for an event that is none of the two.
 * @throws RotationRequestError when devices that an audit found could not be asked: to be tried again.
 */
export async function requestRotations(
  event: unknown,
  ports: RequestPorts,
): Promise<RotateThingsAnswer | undefined> {
  const request = readEvent(event);
  if (request.kind === 'things') return askThings(request.things, ports, ports.hasTime);
  for (const reason of request.ignored) ports.log('audit-ignored', { reason });
  const errors: unknown[] = [];
  for (const [index, audit] of request.audits.entries()) {
    try {
      const rest = await askAudited(audit, ports);
      if (rest === undefined) continue;
      await ports.continueWith({ audits: [rest, ...request.audits.slice(index + 1)] });
      ports.log('rotation-continued', { taskId: rest.taskId, requested: rest.requested, of: rest.of });
      break;
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return undefined;
}
