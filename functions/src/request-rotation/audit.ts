import { inChunks } from '../rotation/in-chunks.js';
import { describe } from '../rotation/log.js';
import type { RotationPorts } from '../rotation/ports.js';
import { ask, isUnderWay } from './ask.js';
import type { AuditProgress } from './event.js';
import type { ReadFindings } from './findings.js';

/** What going through an audit's findings needs. */
export interface AuditPorts extends RotationPorts {
  readonly readFindings: ReadFindings;
  /** The ARN of a certificate of this account. */
  readonly certificateArn: (id: string) => string;
  /** Devices that may rotate their certificate in a second. */
  readonly perSecond: number;
  /** Milliseconds after which a device that did not go on is asked again. */
  readonly patience: number;
  /** Whether there is time for some more devices. */
  readonly hasTime: () => boolean;
}

/** Longest time over which devices can be spread: `withinSeconds` of the contract. */
const LONGEST_SPREAD = 604_800;
/** Beyond these, something is broken that trying again one by one does not help. */
const MOST_FAILED = 1_000;

/** Devices that were found by an audit could not be asked. */
export class RotationRequestError extends Error {
  override readonly name = 'RotationRequestError';
}

/**
 * Asks the devices whose certificates an audit found, page by page, until all are asked or the time is over. The
 * devices spread themselves over as many seconds as AWS IoT needs for all of them.
 *
 * May be repeated: whoever was asked is not asked again.
 *
 * @returns how far it came, when the time was over; undefined when all is done.
 * @throws RotationRequestError at the end, naming the certificates whose devices could not be asked.
 * @throws the errors of AWS when the findings cannot be read.
 */
export async function askAudited(
  audit: AuditProgress,
  ports: AuditPorts,
): Promise<AuditProgress | undefined> {
  const { log, readFindings, hasTime } = ports;
  const { taskId, of } = audit;
  const withinSeconds = Math.min(LONGEST_SPREAD, Math.ceil(of / ports.perSecond));
  // One that failed once gets a second chance at the end, whichever invocation that is.
  const failed = new Set(audit.failed);
  const seen = new Set<string>();
  let { token, skip, requested } = audit;

  const askCertificate = async (id: string): Promise<void> => {
    if (seen.has(id)) return;
    seen.add(id);
    try {
      const asked = await askThingsOf(id, withinSeconds, ports);
      requested += asked;
      failed.delete(id);
    } catch (error) {
      failed.add(id);
      log('rotation-not-requested', { taskId, certificateId: id, reason: describe(error) });
      if (failed.size > MOST_FAILED) throw failure(taskId, failed);
    }
  };

  for (;;) {
    const page = await readFindings(taskId, token);
    skip += await inChunks(page.certificates.slice(skip), askCertificate, hasTime);
    log('rotation-progress', { taskId, requested, of, failed: failed.size, withinSeconds });
    const isRead = skip >= page.certificates.length;
    if (isRead && page.next === undefined) break;
    if (isRead) {
      token = page.next;
      skip = 0;
    }
    if (!hasTime()) return { ...audit, token, skip, requested, failed: [...failed] };
  }
  for (const id of [...failed]) {
    seen.delete(id);
    await askCertificate(id);
  }
  if (failed.size > 0) throw failure(taskId, failed);
  log('rotation-requested', { taskId, requested, of });
  return undefined;
}

/** Asks the device that a certificate is attached to; returns how many were asked. */
async function askThingsOf(id: string, withinSeconds: number, ports: AuditPorts): Promise<number> {
  const { certificates, states, log, certificateArn, patience, now } = ports;
  const things = await certificates.thingsOf(certificateArn(id));
  if (things === undefined || things.length === 0) {
    const reason = things ? 'it is attached to no thing' : 'it was deleted meanwhile';
    log('finding-ignored', { certificateId: id, reason });
    return 0;
  }
  let asked = 0;
  const failed: string[] = [];
  for (const thing of things) {
    try {
      if (isUnderWay(await states.read(thing), id, patience, now())) continue;
      await ask(ports, thing, id, { withinSeconds });
      asked += 1;
    } catch (error) {
      failed.push(`${thing}: ${describe(error)}`);
    }
  }
  if (failed.length > 0) throw new RotationRequestError(failed.join('; '));
  return asked;
}

function failure(taskId: string, failed: ReadonlySet<string>): RotationRequestError {
  const named = [...failed].slice(0, 20).join(', ');
  const more = failed.size > 20 ? ` and ${failed.size - 20} more` : '';
  return new RotationRequestError(
    `of the audit ${taskId}, the devices of these certificates could not be asked: ${named}${more}`,
  );
}
