import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InputEvent } from '../../button/src/input-events.js';
import { EV_KEY, EV_SYN, PressDetector, SYN_DROPPED, SYN_REPORT } from '../../button/src/press-detector.js';
import { ManualClock } from '../support/manual-clock.js';

const KEY = 148;
const key = (time: number, value: number, code = KEY): InputEvent => ({ time, type: EV_KEY, code, value });
const syn = (time: number, code = SYN_REPORT): InputEvent => ({ time, type: EV_SYN, code, value: 0 });

function presses(events: readonly InputEvent[], debounce = 30): number[] {
  const detector = new PressDetector(KEY, debounce, new ManualClock());
  return events.filter((event) => detector.press(event)).map(({ time }) => time);
}

describe('PressDetector', () => {
  it('counts a press once, not its release, its repeats or its reports', () => {
    expect(presses([key(100, 1), syn(100), key(350, 2), key(383, 2), key(400, 0), syn(400)])).toEqual([100]);
  });

  it('leaves other keys and other kinds of events alone', () => {
    expect(presses([key(100, 1, 149), { time: 200, type: 4, code: KEY, value: 1 }, key(300, 1)])).toEqual([
      300,
    ]);
  });

  it('takes bouncing contacts, closing and opening, for one press', () => {
    const closing = [key(100, 1), key(103, 0), key(105, 1), key(111, 0), key(112, 1)];
    const opening = [key(300, 0), key(304, 1), key(306, 0), key(310, 1), key(311, 0)];
    expect(presses([...closing, ...opening, key(600, 1)])).toEqual([100, 600]);
  });

  it('believes two presses that are further apart than contacts bounce', () => {
    expect(presses([key(100, 1), key(140, 0), key(180, 1), key(220, 0)])).toEqual([100, 180]);
    expect(presses([key(100, 1), key(101, 0), key(102, 1)], 0)).toEqual([100, 102]);
  });

  it('skips the torn rest of events that the kernel dropped', () => {
    expect(
      presses([syn(100, SYN_DROPPED), key(100, 1), syn(100), key(200, 0), syn(200), key(300, 1), syn(300)]),
    ).toEqual([300]);
  });

  it('goes on when the clock of the events is set back', () => {
    expect(presses([key(1_000_000, 1), key(1_000_100, 0), key(500, 1)])).toEqual([1_000_000, 500]);
  });

  it('uses its own clock for events without a time', () => {
    const clock = new ManualClock();
    const detector = new PressDetector(KEY, 30, clock);
    clock.advance(1_000);
    expect(detector.press(key(0, 1))).toBe(true);
    expect(detector.press(key(0, 0))).toBe(false);
    clock.advance(10);
    expect(detector.press(key(0, 1))).toBe(false);
    clock.advance(100);
    expect(detector.press(key(0, 1))).toBe(true);
  });

  it('never counts more presses than the key went down', () => {
    const anyEvent = fc.record({
      time: fc.nat(2_000),
      type: fc.constantFrom(EV_SYN, EV_KEY, 4),
      code: fc.constantFrom(0, SYN_DROPPED, KEY, 30),
      value: fc.integer({ min: -1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(anyEvent), fc.nat(100), (events, debounce) => {
        const down = events.filter(({ type, code, value }) => type === EV_KEY && code === KEY && value === 1);
        expect(presses(events, debounce).length).toBeLessThanOrEqual(down.length);
      }),
    );
  });
});
