import type { Clock } from '../../runtime/src/clock.js';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 0;
  #timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  #last = 0;

  now(): number {
    return this.#now;
  }

  schedule(delay: number, callback: () => void): () => void {
    const id = ++this.#last;
    this.#timers.set(id, { at: this.#now + delay, callback });
    return () => void this.#timers.delete(id);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /**
   * Goes on by so many milliseconds, and calls what is due, in order.
   *
   * @param late how late each call comes, as on a busy machine
   */
  advance(milliseconds: number, late: () => number = () => 0): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [id, timer] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (id === undefined || timer === undefined || timer.at > end) break;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, timer.at) + late();
      timer.callback();
    }
    this.#now = Math.max(this.#now, end);
  }
}
