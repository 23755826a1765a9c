import type { Clock, Timer } from '../../../clock.js';
import { key, type Table } from '../../../store/store.js';
import { digits } from './records.js';

/** What a job waits for: the next part of its rollout or sweep, or the timeout of an execution. */
export interface Deadline {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: 'rollout' | 'sweep' | 'timeout';
  readonly jobId: string;
  /** The thing whose execution times out; empty for the others. */
  readonly thingName: string;
}

/** Timeouts that are looked at in one go. */
const BATCH = 100;

/** Deadlines that are kept, so that a restart forgets none; one timer waits for the earliest. */
export class Deadlines {
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #closed = false;

  constructor(
    private readonly table: Table<true>,
    private readonly clock: Clock,
    /** Does what is due, which removes the deadline. */
    private readonly run: (deadline: Deadline) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  set(deadline: Deadline): void {
    this.table.put(keyOf(deadline), true);
  }

  clear(deadline: Deadline): void {
    this.table.delete(keyOf(deadline));
  }

  /** Waits for the earliest deadline; to be called after every transaction that may have changed which it is. */
  arm(): void {
    if (this.#closed) return;
    const first = this.#due(Number.POSITIVE_INFINITY);
    if (first?.at === this.#timer?.at) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (!first) return;
    const timer = this.clock.after(Math.max(first.at - this.clock.now(), 0), () => this.#fire());
    this.#timer = { at: first.at, timer };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.timer.cancel();
  }

  #fire(): void {
    this.#timer = undefined;
    for (let count = 0; count < BATCH; count += 1) {
      const deadline = this.#due(this.clock.now());
      if (!deadline) break;
      try {
        this.run(deadline);
      } catch (error) {
        // Left alone it would fail at once again, and keep the others from their turn.
        this.clear(deadline);
        this.failed(error);
      }
      // What is large goes on in a turn of its own.
      if (deadline.kind !== 'timeout') break;
    }
    this.arm();
  }

  #due(until: number): Deadline | undefined {
    for (const [name] of this.table.entries({ limit: 1 })) {
      const [at = '', kind, jobId = '', thingName = ''] = name.split('\u001f');
      const known = KINDS.find((one) => one === kind);
      if (known && Number(at) <= until) return { at: Number(at), kind: known, jobId, thingName };
    }
    return undefined;
  }
}

const KINDS: readonly Deadline['kind'][] = ['rollout', 'sweep', 'timeout'];

function keyOf({ at, kind, jobId, thingName }: Deadline): string {
  return key(digits(at), kind, jobId, thingName);
}
