import type { Clock } from '../../src/model/clock.js';

/** A clock that stands until it is moved. */
export function testClock(): Clock & { advance(ms: number): void } {
  let now = 1_000_000;
  const waiting = new Set<{ at: number; action: () => void }>();
  return {
    now: () => now,
    after: (ms, action) => {
      const one = { at: now + ms, action };
      waiting.add(one);
      return () => void waiting.delete(one);
    },
    advance: (ms) => {
      now += ms;
      for (const one of [...waiting].sort((a, b) => a.at - b.at)) {
        if (one.at <= now && waiting.delete(one)) one.action();
      }
    },
  };
}
