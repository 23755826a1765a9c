/** Time as a component needs it; handed in, so that tests say what time it is. */
export interface Clock {
  /** Milliseconds, with fractions, of a clock that never jumps. */
  now(): number;
  /**
   * Calls back once after `delay` milliseconds.
   *
   * @returns calls it off
   */
  schedule(delay: number, callback: () => void): () => void;
}

export const monotonicClock: Clock = {
  now: () => performance.now(),
  schedule(delay, callback) {
    // Timers count whole milliseconds and round down, which would wake us before the time.
    const timer = setTimeout(callback, Math.ceil(delay));
    return () => clearTimeout(timer);
  },
};
