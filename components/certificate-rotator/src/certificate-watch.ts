import type { Clock } from '../../runtime/src/clock.js';
import type { Log } from '../../runtime/src/log.js';
import { readCertificate } from './certificate.js';

/** What watching needs. */
export interface Surroundings {
  readonly clock: Clock;
  /** The time of day, in milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** Told when the certificate cannot be read any more. */
  readonly fail: (error: unknown) => void;
}

/**
 * Says in the log whose the certificate is and how long it is still valid, at once and then daily; it only
 * watches, and rotates nothing.
 *
 * @returns ends it
 */
export function watchCertificate(path: string, { clock, now, log, fail }: Surroundings): () => void {
  let stopped = false;
  let cancel = () => {};
  const look = async () => {
    try {
      const { subject, notAfter } = await readCertificate(path);
      if (stopped) return;
      const days = Math.floor((notAfter - now()) / DAY_MS);
      const until = new Date(notAfter).toISOString();
      if (days < 0) log.problem(`The device certificate of ${subject} expired on ${until}.`);
      else log.info(`The device certificate of ${subject} is valid until ${until}: ${days} days left.`);
      cancel = clock.schedule(DAY_MS, look);
    } catch (error) {
      if (!stopped) fail(error);
    }
  };
  void look();
  return () => {
    stopped = true;
    cancel();
  };
}

const DAY_MS = 86_400_000;
