import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Blinker } from '../../led/src/blinker.js';
import { ManualClock } from '../support/manual-clock.js';

function blinker(frequency: number) {
  const clock = new ManualClock();
  const changes: { at: number; on: boolean }[] = [];
  const failures: unknown[] = [];
  const light = new Blinker(
    frequency,
    clock,
    (on) => changes.push({ at: clock.now(), on }),
    (error) => failures.push(error),
  );
  return { clock, changes, failures, light };
}

describe('Blinker', () => {
  it('makes f whole cycles a second, half of each lit', () => {
    const { clock, changes, light } = blinker(2);
    light.start();
    clock.advance(999);
    expect(changes).toEqual([
      { at: 0, on: true },
      { at: 250, on: false },
      { at: 500, on: true },
      { at: 750, on: false },
    ]);
  });

  it('does not drift, however late its timers come', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (frequency, delays) => {
          const { clock, changes, light } = blinker(frequency);
          light.start();
          let call = 0;
          clock.advance(20_000, () => delays[call++ % delays.length] ?? 0);
          const halfPeriod = 500 / frequency;
          const astray = changes.filter(({ at, on }, index) => {
            const late = at - index * halfPeriod;
            return on !== (index % 2 === 0) || late < -0.001 || late > 9.001;
          });
          expect(astray).toEqual([]);
          expect(changes.length).toBeGreaterThan(20_000 / halfPeriod - 2);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('skips what it missed when it was held up, and is in time again', () => {
    const { clock, changes, light } = blinker(2);
    light.start();
    let first = true;
    clock.advance(2_000, () => {
      const late = first ? 800 : 0;
      first = false;
      return late;
    });
    expect(changes.map(({ at }) => at)).toEqual([0, 1250, 1500, 1750, 2000]);
    expect(changes.map(({ on }) => on)).toEqual([true, false, true, false, true]);
  });

  it('stops with the light off, and starts with the light on', () => {
    const { clock, changes, light } = blinker(1);
    light.start();
    clock.advance(100);
    light.stop();
    clock.advance(5_000);
    expect(light.blinking).toBe(false);
    expect(changes).toEqual([
      { at: 0, on: true },
      { at: 100, on: false },
    ]);
    light.start();
    expect(light.blinking).toBe(true);
    expect(changes.at(-1)).toEqual({ at: 5_100, on: true });
  });

  it('takes another frequency at once, and the same one without a stir', () => {
    const { clock, changes, light } = blinker(1);
    light.start();
    clock.advance(100);
    light.setFrequency(1);
    clock.advance(400);
    expect(changes.map(({ at }) => at)).toEqual([0, 500]);
    light.setFrequency(10);
    clock.advance(60);
    expect(changes.slice(2)).toEqual([
      { at: 500, on: true },
      { at: 550, on: false },
    ]);
    expect(clock.waiting).toBe(1);
  });

  it('keeps a frequency that is set while it is stopped', () => {
    const { changes, light } = blinker(1);
    light.setFrequency(5);
    expect(light.frequency).toBe(5);
    expect(changes).toEqual([]);
  });

  it('ends when the light fails, and says so once', () => {
    const clock = new ManualClock();
    const failures: unknown[] = [];
    const light = new Blinker(
      2,
      clock,
      (on) => {
        if (!on) throw new Error('unplugged');
      },
      (error) => failures.push(error),
    );
    light.start();
    clock.advance(5_000);
    expect(failures).toEqual([new Error('unplugged')]);
    expect(light.blinking).toBe(false);
    expect(clock.waiting).toBe(0);
  });
});
