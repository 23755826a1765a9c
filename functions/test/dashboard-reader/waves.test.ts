import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rotationIn } from '../../src/dashboard-reader/fleet.js';
import { kept } from '../../src/dashboard-reader/kept.js';
import { type Execution, wavesOf } from '../../src/dashboard-reader/waves.js';

const MINUTE = 60_000;
const execution = (status: string, startedAt?: number, updatedAt?: number): Execution => ({
  thing: 't',
  status,
  startedAt,
  updatedAt,
});

test('waves count who has started and ended by the end of each minute', () => {
  expect(
    wavesOf([
      execution('SUCCEEDED', 10, 20),
      execution('SUCCEEDED', 10, MINUTE + 1),
      execution('TIMED_OUT', MINUTE, 5 * MINUTE),
      execution('IN_PROGRESS', 5 * MINUTE),
      execution('QUEUED'),
    ]),
  ).toEqual([
    { at: MINUTE, started: 2, succeeded: 1, failed: 0 },
    { at: 2 * MINUTE, started: 3, succeeded: 2, failed: 0 },
    { at: 6 * MINUTE, started: 4, succeeded: 2, failed: 1 },
  ]);
  expect(wavesOf([])).toEqual([]);
});

test('waves only grow, end with all that happened, and are not too many', () => {
  const time = fc.option(fc.nat(100 * 24 * 60 * MINUTE), { nil: undefined });
  const some = fc.record({
    thing: fc.constant('t'),
    status: fc.constantFrom('QUEUED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED'),
    startedAt: time,
    updatedAt: time,
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 400 }), (executions) => {
      const waves = wavesOf(executions);
      expect(waves.length).toBeLessThanOrEqual(241);
      for (const [index, wave] of waves.entries()) {
        const before = waves[index - 1];
        if (!before) continue;
        expect(wave.at).toBeGreaterThan(before.at);
        expect(wave.started).toBeGreaterThanOrEqual(before.started);
      }
      const started = executions.filter(({ startedAt }) => startedAt !== undefined).length;
      expect(waves.at(-1)?.started ?? 0).toBe(started);
    }),
  );
});

test('what is kept is read again when it is old, or failed', async () => {
  let now = 0;
  let reads = 0;
  const read = kept(
    async () => {
      reads += 1;
      if (reads === 2) throw new Error('on purpose');
      return reads;
    },
    10,
    () => now,
  );
  expect([await read(), await read()]).toEqual([1, 1]);
  now = 10;
  await expect(read()).rejects.toThrow('on purpose');
  expect(await read()).toBe(3);
});

test('the rotation is read of what the index has of shadows, whatever that is', () => {
  const reported = { stage: 'issued', at: 5 };
  const shadow = JSON.stringify({ name: { certificate_rotation: { reported, version: 1 } } });
  expect(rotationIn(shadow)).toEqual(reported);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(rotationIn(text)).toBeUndefined();
    }),
  );
});
