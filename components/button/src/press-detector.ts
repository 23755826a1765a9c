import type { Clock } from '../../runtime/src/clock.js';
import type { InputEvent } from './input-events.js';

/**
 * Tells presses of one key from everything else that a device reports: other keys, releases, auto-repeat,
 * contacts that bounce, and what is left of events that the kernel had to drop
 * (Documentation/input/event-codes.rst).
 */
export class PressDetector {
  #lastChange = Number.NEGATIVE_INFINITY;
  #dropping = false;

  /**
   * @param key key code of linux/input-event-codes.h
   * @param debounce milliseconds for which a key that has changed is not believed to be pressed again
   * @param clock used for events that do not carry a time
   */
  constructor(
    private readonly key: number,
    private readonly debounce: number,
    private readonly clock: Clock,
  ) {}

  /** @returns whether this event is a press of the key */
  press(event: InputEvent): boolean {
    if (event.type === EV_SYN) {
      // After a drop, what comes up to the next report is a torn rest.
      this.#dropping = event.code === SYN_DROPPED || (this.#dropping && event.code !== SYN_REPORT);
      return false;
    }
    if (this.#dropping || event.type !== EV_KEY || event.code !== this.key || event.value === REPEATED) {
      return false;
    }
    const time = event.time > 0 ? event.time : this.clock.now();
    const since = time - this.#lastChange;
    this.#lastChange = time;
    // Less than nothing is the clock having been set back, which no contact does.
    const bounced = since >= 0 && since < this.debounce;
    return event.value === PRESSED && !bounced;
  }
}

export const EV_SYN = 0;
export const EV_KEY = 1;
export const SYN_REPORT = 0;
export const SYN_DROPPED = 3;
const PRESSED = 1;
const REPEATED = 2;
