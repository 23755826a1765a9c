import type { TelemetryPoint } from '@mooring/contracts';
import type { LedState } from './fleet.js';

/** A stretch of time, in milliseconds since 1970. */
export interface Range {
  from: number;
  to: number;
}

/** Columns as the chart takes them; `times` in seconds, frequencies in hertz. */
export interface ChartData {
  times: number[];
  frequencies: (number | null)[];
  lowest: (number | null)[];
  highest: (number | null)[];
  /** When the LED did not blink, in seconds. */
  dark: { from: number; to: number }[];
}

/**
 * Puts what was read and what was heard since into columns. The last value goes on until `until`: a device only tells
 * what changes.
 *
 * @param points in order of time; `heard` too.
 */
export function chartDataOf(
  points: readonly TelemetryPoint[],
  heard: readonly LedState[],
  until: number,
): ChartData {
  const last = points.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
  const all: TelemetryPoint[] = [...points];
  let { frequency, blinking } = points.at(-1) ?? { frequency: undefined, blinking: true };
  for (const led of heard) {
    if (led.at <= last) continue;
    frequency = led.frequency ?? frequency;
    blinking = led.blinking ?? blinking;
    if (frequency !== undefined) all.push({ at: led.at, frequency, blinking });
  }
  const end = all.at(-1);
  if (end !== undefined && until > end.at)
    all.push({ ...end, lowest: undefined, highest: undefined, at: until });
  const data: ChartData = { times: [], frequencies: [], lowest: [], highest: [], dark: [] };
  let darkFrom: number | undefined;
  for (const point of all) {
    const time = point.at / 1_000;
    data.times.push(time);
    data.frequencies.push(point.frequency);
    data.lowest.push(point.lowest ?? null);
    data.highest.push(point.highest ?? null);
    if (!point.blinking) darkFrom ??= time;
    else if (darkFrom !== undefined) {
      data.dark.push({ from: darkFrom, to: time });
      darkFrom = undefined;
    }
  }
  if (darkFrom !== undefined) data.dark.push({ from: darkFrom, to: data.times.at(-1) ?? darkFrom });
  return data;
}

/** A range `factor` times as long around the same middle; never shorter than ten seconds, never in the future. */
export function zoomed({ from, to }: Range, factor: number, now: number): Range {
  const middle = (from + to) / 2;
  const half = Math.max(5_000, ((to - from) / 2) * factor);
  return withinNow({ from: middle - half, to: middle + half }, now);
}

/** A range that is moved by a part of its length. */
export function moved({ from, to }: Range, part: number, now: number): Range {
  const step = (to - from) * part;
  return withinNow({ from: from + step, to: to + step }, now);
}

function withinNow({ from, to }: Range, now: number): Range {
  const late = Math.max(0, to - now);
  return { from: from - late, to: to - late };
}
