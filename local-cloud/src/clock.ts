/** Where the local cloud takes its time from, so that tests can move it. Times are milliseconds since 1970. */
export interface Clock {
  now(): number;
  /** Calls `work` once after `delay` milliseconds; the timer does not keep the process alive. */
  after(delay: number, work: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Longest delay that Node's timers take; longer ones are waited for in parts. */
const LONGEST_DELAY = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, work) {
    let handle: NodeJS.Timeout;
    const wait = (left: number) => {
      const part = Math.min(Math.max(left, 0), LONGEST_DELAY);
      handle = setTimeout(() => (left > part ? wait(left - part) : work()), part);
      handle.unref();
    };
    wait(delay);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A clock whose timers end nothing when their work throws: `failed` is told instead. */
export function guardedClock(clock: Clock, failed: (error: unknown) => void): Clock {
  return {
    now: () => clock.now(),
    after: (delay, work) =>
      clock.after(delay, () => {
        try {
          work();
        } catch (error) {
          failed(error);
        }
      }),
  };
}

/** A clock that stands still until {@link ManualClock.advance} moves it; for tests. */
export class ManualClock implements Clock {
  #time: number;
  readonly #timers = new Set<{ at: number; work: () => void }>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
  }

  after(delay: number, work: () => void): Timer {
    const timer = { at: this.#time + Math.max(delay, 0), work };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Moves time forward by `duration` milliseconds and runs what falls due, in order of its time. */
  advance(duration: number): void {
    const end = this.#time + duration;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#time = Math.max(this.#time, due.at);
      due.work();
    }
    this.#time = end;
  }
}
