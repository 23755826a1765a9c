import type { Generation, Issued, KeyPair, StaleCore, Stored } from './certificate-store.js';

/** What is to be done next. */
export type Step =
  /** Nothing, until something is asked for, or until then (milliseconds since 1970). */
  | { readonly step: 'wait'; readonly until: number | undefined }
  /** Make a new key. */
  | { readonly step: 'begin' }
  /** Ask for a certificate for the new key. */
  | { readonly step: 'ask'; readonly next: Generation }
  /** See whether the new certificate works, and use it if it does. */
  | { readonly step: 'try'; readonly next: Generation & KeyPair }
  /** Have the core device start again, with the pair that is the current one now. */
  | { readonly step: 'restart-core'; readonly stale: StaleCore }
  | { readonly step: 'forget-stale-core' }
  /** Tell the cloud that the new certificate is in use. */
  | {
      readonly step: 'acknowledge';
      readonly current: Generation & KeyPair;
      readonly issued: Issued;
      readonly previous: (Generation & KeyPair) | undefined;
    }
  /** Use the pair of before again. */
  | { readonly step: 'go-back'; readonly previous: Generation & KeyPair }
  | { readonly step: 'discard'; readonly names: readonly string[] };

/** A time to begin at that is further away than any that is asked for: the clock was wrong when it was noted. */
const FURTHEST = 8 * 86_400_000;

/**
 * Decides what is next by what is on the disk and nothing else, so that a rotation goes on after any interruption
 * where it was.
 *
 * @param core which run of the core device is there now
 * @param now milliseconds since 1970
 */
export function plan(stored: Stored, core: string, now: number): Step {
  const { current, next, previous, request, staleCore, litter } = stored;
  if (litter.length > 0) return { step: 'discard', names: litter };
  if (current.isGivenUp && previous) return { step: 'go-back', previous };
  if (next) {
    const { certificate } = next;
    if (certificate === undefined || !next.issued) return { step: 'ask', next };
    return { step: 'try', next: { ...next, certificate } };
  }
  if (staleCore) {
    return staleCore.core === core
      ? { step: 'restart-core', stale: staleCore }
      : { step: 'forget-stale-core' };
  }
  if (current.issued) return { step: 'acknowledge', current, issued: current.issued, previous };
  if (!request) return { step: 'wait', until: undefined };
  const isDue = request.at <= now || request.at > now + FURTHEST;
  return isDue ? { step: 'begin' } : { step: 'wait', until: request.at };
}
