import { DAYS, MONTHS, parsePattern } from './time-patterns.js';
import { findZone, instantOf, type Zone } from './time-zones.js';

/**
 * Milliseconds since 1970 of a time that is written as `java.time`'s DateTimeFormatter reads it (AWS IoT developer
 * guide, "time_to_epoch"); in UTC when the pattern names no zone. Undefined when text and pattern do not fit.
 */
export function parseTime(text: string, pattern: string): number | undefined {
  const parts = parsePattern(pattern);
  if (!parts) return undefined;
  const time: Fields = {};
  let rest = text;
  for (const part of parts) {
    const length =
      part.kind === 'text' ? literal(rest, part.text) : read(rest, part.letter, part.count, time);
    if (length === undefined) return undefined;
    rest = rest.slice(length);
  }
  return rest === '' ? toEpoch(time) : undefined;
}

interface Fields {
  year?: number;
  month?: number;
  day?: number;
  dayOfYear?: number;
  /** 0 to 23 */
  hour?: number;
  /** 0 to 11 */
  halfDayHour?: number;
  afternoon?: boolean;
  minute?: number;
  second?: number;
  millisecond?: number;
  beforeChrist?: boolean;
  zone?: Zone;
}

function literal(rest: string, text: string): number | undefined {
  return rest.startsWith(text) ? text.length : undefined;
}

/** Reads one field into `time`; returns how many characters it is, undefined when it is not there. */
function read(rest: string, letter: string, count: number, time: Fields): number | undefined {
  const number = (least: number, most: number, keep: (value: number) => void): number | undefined => {
    const pattern = count === 1 ? /^\d{1,9}/ : new RegExp(`^\\d{${Math.min(count, 9)}}`);
    const [digits] = pattern.exec(rest) ?? [];
    if (digits === undefined || Number(digits) < least || Number(digits) > most) return undefined;
    keep(Number(digits));
    return digits.length;
  };
  switch (letter) {
    case 'G':
      return word(rest, ['AD', 'BC'], (index) => {
        time.beforeChrist = index === 1;
      });
    case 'y':
    case 'u':
      return readYear(rest, count, time);
    case 'M':
    case 'L':
      if (count < 3)
        return number(1, 12, (value) => {
          time.month = value;
        });
      return word(rest, count === 3 ? MONTHS.map((name) => name.slice(0, 3)) : MONTHS, (index) => {
        time.month = index + 1;
      });
    case 'd':
      return number(1, 31, (value) => {
        time.day = value;
      });
    case 'D':
      return number(1, 366, (value) => {
        time.dayOfYear = value;
      });
    case 'E':
      return word(rest, count < 4 ? DAYS.map((name) => name.slice(0, 3)) : DAYS, () => undefined);
    case 'a':
      return word(rest, ['AM', 'PM'], (index) => {
        time.afternoon = index === 1;
      });
    case 'H':
      return number(0, 23, (value) => {
        time.hour = value;
      });
    case 'k':
      return number(1, 24, (value) => {
        time.hour = value % 24;
      });
    case 'h':
      return number(1, 12, (value) => {
        time.halfDayHour = value % 12;
      });
    case 'K':
      return number(0, 11, (value) => {
        time.halfDayHour = value;
      });
    case 'm':
      return number(0, 59, (value) => {
        time.minute = value;
      });
    case 's':
      return number(0, 59, (value) => {
        time.second = value;
      });
    case 'S':
      return readFraction(rest, count, time);
    case 'V':
    case 'v':
    case 'z':
    case 'O':
      return readZone(rest, /^[A-Za-z][A-Za-z0-9_/+:-]*|^[+-]\d{1,2}(?::?\d{2})?/, time);
    case 'X':
      return readZone(rest, count < 3 ? /^(?:Z|[+-]\d{2}(?:\d{2})?)/ : /^(?:Z|[+-]\d{2}:\d{2})/, time);
    case 'x':
      return readZone(rest, count < 3 ? /^[+-]\d{2}(?:\d{2})?/ : /^[+-]\d{2}:\d{2}/, time);
    case 'Z':
      return readZone(rest, count < 4 ? /^[+-]\d{4}/ : /^(?:GMT)?[+-]\d{2}:?\d{2}|^(?:GMT|Z)/, time);
    default:
      return undefined;
  }
}

function readYear(rest: string, count: number, time: Fields): number | undefined {
  const pattern = count === 2 ? /^\d{2}/ : count >= 4 ? /^-?\d{4,6}/ : /^-?\d{1,6}/;
  // Digits of the next field may follow four digits at once, as in yyyyMMdd.
  const [digits] = (count === 4 && /^\d{8}/.test(rest) ? /^\d{4}/ : pattern).exec(rest) ?? [];
  if (digits === undefined) return undefined;
  time.year = count === 2 ? 2000 + Number(digits) : Number(digits);
  return digits.length;
}

function readFraction(rest: string, count: number, time: Fields): number | undefined {
  const digits = rest.slice(0, count);
  if (digits.length !== count || !/^\d+$/.test(digits)) return undefined;
  time.millisecond = Number(digits.padEnd(3, '0').slice(0, 3));
  return count;
}

function readZone(rest: string, pattern: RegExp, time: Fields): number | undefined {
  const [id] = pattern.exec(rest) ?? [];
  const zone = id === undefined ? undefined : findZone(id);
  if (id === undefined || !zone) return undefined;
  time.zone = zone;
  return id.length;
}

function word(rest: string, words: readonly string[], keep: (index: number) => void): number | undefined {
  const index = words.findIndex((candidate) => rest.startsWith(candidate));
  const found = words[index];
  if (found === undefined) return undefined;
  keep(index);
  return found.length;
}

/** Undefined without a date. A day that its month does not have is the month's last, as Java's default has it. */
function toEpoch(time: Fields): number | undefined {
  const { year, month, dayOfYear } = time;
  if (year === undefined || (month === undefined && dayOfYear === undefined)) return undefined;
  const day = dayOfYear ?? time.day;
  if (day === undefined) return undefined;
  const hour = time.hour ?? (time.halfDayHour ?? 0) + (time.afternoon ? 12 : 0);
  const date = new Date(0);
  const fullYear = time.beforeChrist ? 1 - year : year;
  date.setUTCFullYear(fullYear, month ?? 1, 0);
  const lastDay = date.getUTCDate();
  const monthIndex = dayOfYear === undefined ? (month ?? 1) - 1 : 0;
  date.setUTCFullYear(fullYear, monthIndex, dayOfYear ?? Math.min(day, lastDay));
  date.setUTCHours(hour, time.minute ?? 0, time.second ?? 0, time.millisecond ?? 0);
  const epoch = time.zone ? instantOf(date.getTime(), time.zone) : date.getTime();
  return Number.isFinite(epoch) ? epoch : undefined;
}
