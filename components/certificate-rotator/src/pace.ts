import type { RotatorConfiguration } from './configuration.js';

/**
 * When something that does not succeed at once is tried again: after pauses that double up to the longest, each
 * of them cut by chance to between half and all of it, so that a fleet does not stay in step.
 */
export class Pace {
  #key = '';
  #attempts = 0;
  #due = 0;

  constructor(
    private readonly pauses: RotatorConfiguration['pauses'],
    private readonly random: () => number,
  ) {}

  /** How often the task was tried, this time not counted. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Forgets the task. */
  reset(): void {
    this.#key = '';
  }

  /**
   * @param key names the task; another than last time begins with no attempts
   * @param now milliseconds
   * @param earlier how often the task was tried before, for a new key
   * @returns how many milliseconds to wait before the next attempt
   */
  wait(key: string, now: number, earlier = 0): number {
    if (key !== this.#key) {
      this.#key = key;
      this.#attempts = earlier;
      this.#due = earlier === 0 ? now : now + this.#pause(earlier - 1);
    }
    return Math.max(0, this.#due - now);
  }

  /** Takes note that an attempt begins. @returns the milliseconds until the next one is due */
  attempt(now: number): number {
    const pause = this.#pause(this.#attempts);
    this.#attempts += 1;
    this.#due = now + pause;
    return pause;
  }

  /** A pause that follows so many attempts, in milliseconds. */
  #pause(attempts: number): number {
    const { first, longest } = this.pauses;
    const seconds = Math.min(longest, first * 2 ** Math.min(attempts, 30));
    return seconds * 1000 * (0.5 + this.random() / 2);
  }
}
