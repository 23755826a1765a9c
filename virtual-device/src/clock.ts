/** Where the device takes its time from, so that tests can move it. Times are milliseconds since 1970. */
export interface Clock {
  now(): number;
  /** Calls `work` once after `delay` milliseconds. */
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
    };
    wait(delay);
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Waits `delay` milliseconds of the clock.
 *
 * @throws the signal's reason as soon as it is aborted
 */
export function pause(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delay, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Exponential backoff with full jitter between `base` and `ceiling` milliseconds. */
export function backoff(attempt: number, base: number, ceiling: number, random = Math.random): number {
  const bound = Math.min(ceiling, base * 2 ** Math.min(attempt, 30));
  return Math.round(bound / 2 + (random() * bound) / 2);
}
