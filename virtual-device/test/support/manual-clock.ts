import type { Clock, Timer } from '../../src/clock.js';

/** A clock that stands until a test moves it. */
export class ManualClock implements Clock {
  #time: number;
  readonly #timers = new Set<{ readonly at: number; readonly work: () => void }>();
  #planned = () => {};

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
  }

  after(delay: number, work: () => void): Timer {
    const timer = { at: this.#time + delay, work };
    this.#timers.add(timer);
    this.#planned();
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Milliseconds until the timers that wait now. */
  get pending(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#time).sort((a, b) => a - b);
  }

  /** Resolves when a timer of such a delay waits. */
  async planned(fits: (delay: number) => boolean): Promise<void> {
    while (!this.pending.some(fits)) {
      await new Promise<void>((resolve) => {
        this.#planned = resolve;
      });
    }
  }

  /** Moves on; what falls due is done in order. */
  advance(milliseconds: number): void {
    const end = this.#time + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#time = next.at;
      next.work();
    }
    this.#time = end;
  }
}
