import type { RotateThingsAnswer, RotationAnswer } from '@mooring/contracts';
import { RequestProblem } from '../api/problem.js';
import type { Log } from '../rotation/log.js';
import type { Author } from './membership.js';

/** What asking for a rotation needs of its surroundings. */
export interface RotationPorts {
  /** Has the cloud ask devices for signing requests. */
  readonly request: (things: readonly string[], signal: AbortSignal) => Promise<RotateThingsAnswer>;
  readonly log: Log;
}

/** Has the cloud ask a device to rotate its certificate, now. */
export async function rotate(
  thing: string,
  author: Author,
  { request, log }: RotationPorts,
  signal: AbortSignal,
): Promise<RotationAnswer> {
  const { requested, refused } = await request([thing], signal);
  log('rotation-asked', { thing, requested: requested.includes(thing), ...author });
  if (requested.includes(thing)) return { thing, requested: true };
  const reason = refused.find((one) => one.thing === thing)?.reason ?? 'it was not asked';
  // As the function that asks says it of things that are not there, or cannot be.
  if (reason === 'there is no such thing' || reason === 'it is not the name of a thing') {
    throw new RequestProblem(404, 'NoSuchDevice', `there is no device ${JSON.stringify(thing)}`);
  }
  throw new RequestProblem(
    409,
    'NotRequested',
    `${thing} was not asked to rotate its certificate: ${reason}`,
  );
}
