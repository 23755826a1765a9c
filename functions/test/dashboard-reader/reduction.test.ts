import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Range, reduction, type Sample } from '../../src/dashboard-reader/reduction.js';
import { telemetry } from '../../src/dashboard-reader/telemetry.js';
import type { TelemetryTable } from '../../src/dashboard-reader/telemetry-table.js';

const sample = (at: number, frequency = 2): Sample => ({ at, frequency, blinking: true });
const samples = fc
  .array(
    fc.record({
      at: fc.nat(10_000),
      frequency: fc.double({ min: 0.1, max: 50, noNaN: true }),
      blinking: fc.boolean(),
    }),
  )
  .map((all) => all.sort((a, b) => a.at - b.at));

describe('a reduction', () => {
  it('keeps each message while they are few', () => {
    const reduced = reduction({ from: 0, to: 100 }, 3);
    for (const at of [5, 50, 100]) reduced.add(sample(at));
    expect(reduced.result()).toEqual({ points: [sample(5), sample(50), sample(100)], resolution: 0 });
  });

  it('tells the last of each stretch, with the lowest and the highest in it', () => {
    const reduced = reduction({ from: 0, to: 99 }, 2);
    for (const [at, frequency] of [
      [0, 5],
      [10, 9],
      [49, 7],
      [50, 1],
    ] as const) {
      reduced.add(sample(at, frequency));
    }
    expect(reduced.result()).toEqual({
      points: [
        { at: 49, frequency: 7, blinking: true, lowest: 5, highest: 9 },
        { at: 50, frequency: 1, blinking: true, lowest: 1, highest: 1 },
      ],
      resolution: 50,
    });
  });

  it('gives no more points than asked for, in order, all within the range and true', () => {
    fc.assert(
      fc.property(
        samples,
        fc.nat(10_000),
        fc.nat(10_000),
        fc.integer({ min: 1, max: 20 }),
        (all, a, b, points) => {
          const range = { from: Math.min(a, b), to: Math.max(a, b) };
          const reduced = reduction(range, points);
          for (const one of all) reduced.add(one);
          const within = all.filter(({ at }) => at >= range.from && at <= range.to);
          const { points: got, resolution } = reduced.result();
          expect(got.length).toBeLessThanOrEqual(points);
          expect(got.length > 0).toBe(within.length > 0);
          expect(resolution === 0).toBe(within.length <= points);
          expect(got.map(({ at }) => at)).toEqual(got.map(({ at }) => at).sort((x, y) => x - y));
          expect(got.at(-1)).toMatchObject(within.at(-1) ?? {});
          const frequencies = within.map(({ frequency }) => frequency);
          if (resolution > 0) {
            expect(Math.min(...got.map(({ lowest = Number.NaN }) => lowest))).toBe(Math.min(...frequencies));
            expect(Math.max(...got.map(({ highest = Number.NaN }) => highest))).toBe(
              Math.max(...frequencies),
            );
          }
        },
      ),
    );
  });
});

/** A table whose pages have so many messages. */
function playedTable(all: readonly Sample[], pageSize: number): { table: TelemetryTable; asked: Range[] } {
  const asked: Range[] = [];
  const within = ({ from, to }: Range) => all.filter(({ at }) => at >= from && at <= to);
  const table: TelemetryTable = {
    latest: async () => all.at(-1),
    async lastIn(_, range) {
      asked.push(range);
      return within(range).at(-1);
    },
    async *pages(_, range) {
      const found = within(range);
      for (let start = 0; start < found.length; start += pageSize) yield found.slice(start, start + pageSize);
    },
  };
  return { table, asked };
}

describe('the telemetry of a range', () => {
  const signal = new AbortController().signal;

  it('that is too large to be read is sampled behind what was, to its end', async () => {
    const all = Array.from({ length: 1000 }, (_, index) => sample(index * 10, 1 + (index % 40)));
    const { table, asked } = playedTable(all, 20);
    const { points, resolution } = await telemetry('t', { from: 0, to: 9999, points: 100 }, table, signal);
    expect(resolution).toBe(100);
    expect(points).toHaveLength(100);
    expect(points.at(-1)).toMatchObject({ at: 9990 });
    // Ten pages of twenty were read whole.
    expect(asked[0]).toEqual({ from: 1991, to: 1999 });
    expect(asked.at(-1)).toEqual({ from: 9900, to: 9999 });
    for (const [index, { from }] of asked.entries())
      if (index > 0) expect(from).toBe((asked[index - 1]?.to ?? 0) + 1);
  });

  it('is refused when it ends before it begins', async () => {
    const { table } = playedTable([], 1);
    await expect(telemetry('t', { from: 2, to: 1, points: 1 }, table, signal)).rejects.toMatchObject({
      status: 400,
    });
    await expect(telemetry('a/b', { from: 1, to: 2, points: 1 }, table, signal)).rejects.toMatchObject({
      status: 404,
    });
  });
});
