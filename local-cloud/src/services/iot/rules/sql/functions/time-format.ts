import { DAYS, MONTHS, parsePattern } from './time-patterns.js';
import type { Zone } from './time-zones.js';

const DAY = 24 * 60 * 60 * 1000;

/**
 * An instant as Joda-Time's DateTimeFormat writes it (AWS IoT developer guide, "parse_time"). Undefined when the
 * pattern or the instant is not valid.
 */
export function formatTime(pattern: string, instant: number, zone: Zone): string | undefined {
  const parts = parsePattern(pattern);
  if (!parts || !(Math.abs(instant) < 8.64e15)) return undefined;
  const offset = zone.offset(instant);
  const time: Moment = { local: new Date(instant + offset), instant, offset, zone };
  let text = '';
  for (const part of parts) {
    const written = part.kind === 'text' ? part.text : FIELDS[part.letter]?.(time, part.count);
    if (written === undefined) return undefined;
    text += written;
  }
  return text;
}

interface Moment {
  /** What the clocks show, read in UTC. */
  readonly local: Date;
  readonly instant: number;
  /** Milliseconds. */
  readonly offset: number;
  readonly zone: Zone;
}

const FIELDS: Readonly<Record<string, (time: Moment, count: number) => string>> = {
  G: ({ local }) => (local.getUTCFullYear() > 0 ? 'AD' : 'BC'),
  C: ({ local }, count) => padded(Math.floor(yearOfEra(local) / 100), count),
  Y: ({ local }, count) => year(yearOfEra(local), count),
  x: ({ local }, count) => year(week(local).year, count),
  w: ({ local }, count) => padded(week(local).number, count),
  e: ({ local }, count) => padded(local.getUTCDay() || 7, count),
  E: ({ local }, count) => name(DAYS[local.getUTCDay()], count > 3),
  y: ({ local }, count) => year(local.getUTCFullYear(), count),
  D: ({ local }, count) => padded(dayOfYear(local), count),
  M: ({ local }, count) =>
    count > 2 ? name(MONTHS[local.getUTCMonth()], count > 3) : padded(local.getUTCMonth() + 1, count),
  d: ({ local }, count) => padded(local.getUTCDate(), count),
  a: ({ local }) => (local.getUTCHours() < 12 ? 'AM' : 'PM'),
  K: ({ local }, count) => padded(local.getUTCHours() % 12, count),
  h: ({ local }, count) => padded(local.getUTCHours() % 12 || 12, count),
  H: ({ local }, count) => padded(local.getUTCHours(), count),
  k: ({ local }, count) => padded(local.getUTCHours() || 24, count),
  m: ({ local }, count) => padded(local.getUTCMinutes(), count),
  s: ({ local }, count) => padded(local.getUTCSeconds(), count),
  S: ({ local }, count) =>
    String(local.getUTCMilliseconds()).padStart(3, '0').padEnd(count, '0').slice(0, count),
  z: ({ instant, zone }, count) => zone.name(instant, count > 3 ? 'long' : 'short'),
  Z: ({ offset, zone }, count) => (count > 2 ? zone.id : offsetText(offset, count === 2 ? ':' : '')),
};

/** `count` never makes a text longer than the pattern that has it. */
function padded(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

function year(value: number, count: number): string {
  return count === 2
    ? padded(Math.abs(value) % 100, 2)
    : (value < 0 ? '-' : '') + padded(Math.abs(value), count);
}

function yearOfEra(local: Date): number {
  const full = local.getUTCFullYear();
  return full > 0 ? full : 1 - full;
}

function name(long = '', full: boolean): string {
  return full ? long : long.slice(0, 3);
}

function dayOfYear(local: Date): number {
  const first = new Date(local);
  first.setUTCMonth(0, 1);
  return Math.round((local.getTime() - first.getTime()) / DAY) + 1;
}

/** The week of ISO 8601: it belongs to the year in which its Thursday is. */
function week(local: Date): { year: number; number: number } {
  const thursday = new Date(local.getTime() + (4 - (local.getUTCDay() || 7)) * DAY);
  return { year: thursday.getUTCFullYear(), number: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 };
}

function offsetText(offset: number, separator: string): string {
  const minutes = Math.abs(Math.trunc(offset / 60_000));
  const [hours, rest] = [padded(Math.floor(minutes / 60), 2), padded(minutes % 60, 2)];
  return `${offset < 0 ? '-' : '+'}${hours}${separator}${rest}`;
}
