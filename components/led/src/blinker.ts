import type { Clock } from '../../runtime/src/clock.js';

/**
 * Blinks: a frequency of f hertz is f whole on-off cycles a second, so a change each 1/(2f) seconds.
 *
 * The times of the changes are multiples of the half period from the start of the blinking, never from
 * the last change, so that late timers do not add up. A process that was held up skips the changes it
 * missed instead of making up for them.
 */
export class Blinker {
  #frequency: number;
  #callOff: (() => void) | undefined;

  /**
   * @param frequency in hertz, above 0
   * @param set switches the light; what it throws is passed on by `start` and `setFrequency`, and at a
   *   later change given to `onFailure`, after which the blinking has stopped
   */
  constructor(
    frequency: number,
    private readonly clock: Clock,
    private readonly set: (on: boolean) => void,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.#frequency = frequency;
  }

  get frequency(): number {
    return this.#frequency;
  }

  get blinking(): boolean {
    return this.#callOff !== undefined;
  }

  /** Starts with the light on; does nothing when it blinks already. */
  start(): void {
    if (!this.blinking) this.#run();
  }

  /** Stops with the light off. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.set(false);
  }

  /** Takes another frequency, at once when it blinks. */
  setFrequency(frequency: number): void {
    if (frequency === this.#frequency) return;
    this.#frequency = frequency;
    if (!this.blinking) return;
    this.#callOff?.();
    this.#run();
  }

  #run(): void {
    const halfPeriod = 1000 / (2 * this.#frequency);
    const start = this.clock.now();
    /** Changes since the start: the light is on when it is even. */
    let change = 0;
    let lit = true;
    const wait = () => {
      const delay = Math.max(0, start + (change + 1) * halfPeriod - this.clock.now());
      this.#callOff = this.clock.schedule(delay, next);
    };
    const next = () => {
      // A timer may come a little early, by its rounding, but a change is never made twice.
      change = Math.max(change + 1, Math.floor((this.clock.now() - start) / halfPeriod));
      const on = change % 2 === 0;
      try {
        if (on !== lit) this.set(on);
      } catch (error) {
        this.#callOff = undefined;
        this.onFailure(error);
        return;
      }
      lit = on;
      wait();
    };
    this.set(true);
    wait();
  }
}
