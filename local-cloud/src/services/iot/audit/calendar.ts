import type { AuditFrequency, DayOfWeek } from '@aws-sdk/client-iot';
import { checkEnum, invalid } from '../errors.js';

/** When a scheduled audit takes place. */
export interface Calendar {
  readonly frequency: AuditFrequency;
  readonly dayOfMonth?: string;
  readonly dayOfWeek?: DayOfWeek;
}

const DAY = 24 * 60 * 60 * 1000;
const WEEKDAYS: readonly DayOfWeek[] = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * Checks what somebody says of an audit's times: a day of the week for WEEKLY and BIWEEKLY, a day of the month for
 * MONTHLY, and no day otherwise.
 *
 * @throws InvalidRequestException
 */
export function readCalendar(input: {
  frequency: AuditFrequency | undefined;
  dayOfMonth: string | undefined;
  dayOfWeek: DayOfWeek | undefined;
}): Calendar {
  const { frequency, dayOfMonth, dayOfWeek } = input;
  if (frequency === undefined) throw invalid('The frequency is required.');
  checkEnum(frequency, 'frequency', ['DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY']);
  checkEnum(dayOfWeek, 'dayOfWeek', WEEKDAYS);
  if (dayOfMonth !== undefined && !/^([1-9]|[12][0-9]|3[01]|LAST)$/.test(dayOfMonth)) {
    throw invalid(`Invalid dayOfMonth ${dayOfMonth}: it must be 1 to 31 or LAST.`);
  }
  const weekly = frequency === 'WEEKLY' || frequency === 'BIWEEKLY';
  const monthly = frequency === 'MONTHLY';
  if (weekly !== (dayOfWeek !== undefined)) {
    throw invalid(
      weekly
        ? `The dayOfWeek is required when the frequency is ${frequency}.`
        : `The dayOfWeek cannot be given when the frequency is ${frequency}.`,
    );
  }
  if (monthly !== (dayOfMonth !== undefined)) {
    throw invalid(
      monthly
        ? 'The dayOfMonth is required when the frequency is MONTHLY.'
        : `The dayOfMonth cannot be given when the frequency is ${frequency}.`,
    );
  }
  return { frequency, ...(dayOfMonth !== undefined && { dayOfMonth }), ...(dayOfWeek && { dayOfWeek }) };
}

/**
 * The first time behind `now` at which an audit takes place: the system's choice is midnight UTC of its day.
 *
 * @param last when a BIWEEKLY audit was due last; its next days are two weeks after that each.
 * @returns milliseconds since 1970.
 */
export function nextRun(calendar: Calendar, now: number, last?: number): number {
  const tomorrow = Math.floor(now / DAY) * DAY + DAY;
  switch (calendar.frequency) {
    case 'DAILY':
      return tomorrow;
    case 'MONTHLY':
      return nextDayOfMonth(calendar.dayOfMonth ?? 'LAST', now);
    case 'BIWEEKLY':
      if (last !== undefined) return last + 14 * DAY * Math.max(1, Math.floor((now - last) / (14 * DAY)) + 1);
  }
  const wanted = WEEKDAYS.indexOf(calendar.dayOfWeek ?? 'SUN');
  return tomorrow + ((wanted - new Date(tomorrow).getUTCDay() + 7) % 7) * DAY;
}

/** A day that a month does not have is its last one. */
function nextDayOfMonth(dayOfMonth: string, now: number): number {
  const date = new Date(now);
  for (let month = date.getUTCMonth(); ; month += 1) {
    const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
    const day = dayOfMonth === 'LAST' ? lastDay : Math.min(Number(dayOfMonth), lastDay);
    const at = Date.UTC(date.getUTCFullYear(), month, day);
    if (at > now) return at;
  }
}
