import type { Clock, Timer } from '../clock.js';

const TICK = 1000;

/**
 * Deadlines of many connections and sessions on one timer of the clock. A deadline is met within a second after
 * its time, never before. Nothing is scheduled while there is none.
 */
export class TimerWheel {
  readonly #slots = new Map<number, Set<() => void>>();
  #timer: Timer | undefined;
  /** Slots up to this one have been run. */
  #done: number;

  constructor(private readonly clock: Clock) {
    this.#done = Math.floor(clock.now() / TICK);
  }

  /** Calls `work` once at `time` (milliseconds since 1970); returns how to prevent that. */
  at(time: number, work: () => void): () => void {
    const slot = Math.max(Math.ceil(time / TICK), this.#done + 1);
    let entries = this.#slots.get(slot);
    if (!entries) {
      entries = new Set();
      this.#slots.set(slot, entries);
    }
    // An entry of its own, so that the same function may be there twice.
    const entry = () => work();
    entries.add(entry);
    this.#start();
    return () => {
      const there = this.#slots.get(slot);
      there?.delete(entry);
      if (there?.size === 0) this.#slots.delete(slot);
    };
  }

  stop(): void {
    this.#slots.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #start(): void {
    if (this.#timer || this.#slots.size === 0) return;
    this.#timer = this.clock.after(TICK - (this.clock.now() % TICK), () => {
      this.#timer = undefined;
      this.#run();
      this.#start();
    });
  }

  #run(): void {
    const now = Math.floor(this.clock.now() / TICK);
    // After a long sleep of the machine it is cheaper to look at the slots there are than at every second.
    const due =
      now - this.#done > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= now).sort((a, b) => a - b)
        : Array.from({ length: now - this.#done }, (_, index) => this.#done + 1 + index);
    this.#done = Math.max(this.#done, now);
    for (const slot of due) {
      const entries = this.#slots.get(slot);
      this.#slots.delete(slot);
      for (const entry of entries ?? []) entry();
    }
  }
}
