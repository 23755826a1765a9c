import type { Value } from './values/value.js';

/** Items that expired longer ago are left alone (developer guide, "Time to Live"): five years, in seconds. */
const OLDEST = 5 * 365 * 24 * 60 * 60;

/** When an item expires by this attribute, in seconds since 1970; undefined for what is no such time. */
export function expirationOf(value: Value | undefined): number | undefined {
  if (!value || !('N' in value)) return undefined;
  const seconds = Math.floor(Number(value.N));
  return seconds > 0 && seconds < 10 ** 12 ? seconds : undefined;
}

/** Whether that is so long ago that it is taken for a mistake; times in seconds since 1970. */
export function hasLongExpired(expiration: number, now: number): boolean {
  return expiration < now - OLDEST;
}
