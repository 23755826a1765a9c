import { type TelemetryAnswer, THING_NAME } from '@mooring/contracts';
import { z } from 'zod';
import { RequestProblem } from '../api/problem.js';
import { inParallel } from '../in-parallel.js';
import { type Range, reduction, stretch } from './reduction.js';
import type { TelemetryTable } from './telemetry-table.js';

/** Milliseconds since 1970 that a `Date` can be. */
const Time = z.coerce.number().int().min(0).max(8_640_000_000_000_000);

export const TelemetryQuery = z.object({
  from: Time,
  to: Time,
  points: z.coerce.number().int().min(1).max(1000).default(300),
});
export type TelemetryQuery = z.infer<typeof TelemetryQuery>;

/** Pages of 1 MB that are read whole: some 100,000 messages. */
const WHOLE_PAGES = 10;
/** Stretches that are asked about at a time. */
const CONCURRENCY = 16;

/**
 * What an LED told in a range, reduced to so many points. Of a range with more messages than can be read in a request the
 * rest is sampled: for each of its stretches the last message, whose lowest and highest are its own.
 */
export async function telemetry(
  thing: string,
  { from, to, points }: TelemetryQuery,
  table: TelemetryTable,
  signal: AbortSignal,
): Promise<TelemetryAnswer> {
  if (!THING_NAME.test(thing))
    throw new RequestProblem(404, 'NoSuchDevice', `there is no device ${JSON.stringify(thing)}`);
  if (from > to) throw new RequestProblem(400, 'BadRequest', '"from" is later than "to"');
  const range = { from, to };
  const reduced = reduction(range, points);
  let pages = 0;
  let last = from;
  for await (const samples of table.pages(thing, range, signal)) {
    for (const sample of samples) reduced.add(sample);
    last = samples.at(-1)?.at ?? last;
    pages += 1;
    if (pages === WHOLE_PAGES) break;
  }
  if (pages === WHOLE_PAGES && last < to) {
    const rest = stretchesFrom(last + 1, range, stretch(range, points));
    const sampled = await inParallel(rest, CONCURRENCY, (one) => table.lastIn(thing, one, signal));
    for (const sample of sampled) if (sample !== undefined) reduced.add(sample);
  }
  return reduced.result();
}

/** The stretches of a range from a moment on; the first is what is left of its own. */
function stretchesFrom(moment: number, { from, to }: Range, length: number): Range[] {
  const stretches: Range[] = [];
  for (let start = moment; start <= to; ) {
    const end = Math.min(to, from + (Math.floor((start - from) / length) + 1) * length - 1);
    stretches.push({ from: start, to: end });
    start = end + 1;
  }
  return stretches;
}
