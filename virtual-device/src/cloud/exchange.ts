import type { Clock, Timer } from '../clock.js';

/** Milliseconds that AWS IoT has for an answer before it is asked again. */
const ANSWER_TIMEOUT = 10_000;

/**
 * Something that is asked of AWS IoT over MQTT until it is answered: at once, again when an answer stays out, and
 * again with each new connection.
 */
export class Exchange {
  #timer: Timer | undefined;
  #isOpen = false;

  constructor(
    private readonly clock: Clock,
    /** Asks; without a connection it does nothing. */
    private readonly ask: () => void,
  ) {}

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Asks now, and goes on until {@link answered}. */
  open(): void {
    this.#isOpen = true;
    this.#timer?.cancel();
    this.#timer = this.clock.after(ANSWER_TIMEOUT, () => {
      if (this.#isOpen) this.open();
    });
    this.ask();
  }

  answered(): void {
    this.#isOpen = false;
    this.#timer?.cancel();
  }
}
