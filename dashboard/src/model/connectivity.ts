import { effect, type Signal, signal } from '@preact/signals';
import type { LiveState } from '../cloud/live.js';
import type { Clock } from './clock.js';

/** Whether the cloud is there; `back` for a moment after it was not. */
export type Reach = 'first' | 'fine' | 'lost' | 'back';

const BACK_SHOWN = 5_000;

/**
 * Whether the page reaches its cloud: the live connection is there, and requests are answered. After it was lost and
 * came back, `again` is called, to read everything anew.
 */
export class Connectivity {
  readonly reach: Signal<Reach> = signal('first');
  private unanswered = false;
  private calledOff = () => {};

  constructor(
    private readonly live: Signal<LiveState>,
    private readonly clock: Clock,
    private readonly again: () => void,
  ) {
    effect(() => {
      this.live.value;
      this.judge();
    });
  }

  /** To be told of each request whether something answered. */
  readonly heard = (answered: boolean): void => {
    if (this.unanswered === !answered) return;
    this.unanswered = !answered;
    this.judge();
  };

  private judge(): void {
    const before = this.reach.peek();
    const live = this.live.peek();
    if (this.unanswered || live === 'lost') {
      this.calledOff();
      this.reach.value = 'lost';
    } else if (live === 'connected' && before !== 'fine' && before !== 'back') {
      if (before === 'first') {
        this.reach.value = 'fine';
        return;
      }
      this.reach.value = 'back';
      this.calledOff = this.clock.after(BACK_SHOWN, () => {
        this.reach.value = 'fine';
      });
      this.again();
    }
  }
}
