/** How long, in one unit: `12 s`, `5 min`, `3 h`, `40 d`, `23 y`. */
export function durationOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`;
  const days = Math.floor(seconds / 86_400);
  return days < 2 * 365 ? `${days} d` : `${Math.floor(days / 365.25)} y`;
}

/** `12 s ago`, `now`, or `in 40 d`. */
export function ageOf(at: number, now: number): string {
  // Clocks differ a little, and pages count in seconds.
  if (Math.abs(at - now) < 3_000) return 'now';
  return at > now ? `in ${durationOf(at - now)}` : `${durationOf(now - at)} ago`;
}

const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });

/** Date and time of the visitor's place. */
export const momentOf = (at: number) => MOMENT.format(at);
export const dayOf = (at: number) => DAY.format(at);

/** `2 Hz`, `0.5 Hz`; at most two decimals. */
export function hertz(frequency: number): string {
  return `${Math.round(frequency * 100) / 100} Hz`;
}

/** `1 device`, `2 devices`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** A state's word as AWS writes it, for reading: `IN_PROGRESS` is `in progress`. */
export function plain(word: string): string {
  return word
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}
