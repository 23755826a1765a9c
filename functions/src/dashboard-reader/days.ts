import { z } from 'zod';

/** A day in UTC, `yyyy-MM-dd`. */
export const Day = z.iso.date();

/** Milliseconds. */
export const DAY = 86_400_000;

/** @param time milliseconds since 1970. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The beginning of the day before, as a position; undefined when that is older than the oldest. */
export function dayBefore(day: string, oldest: string): { day: string } | undefined {
  const before = dayOf(Date.parse(day) - DAY);
  return before < oldest ? undefined : { day: before };
}
