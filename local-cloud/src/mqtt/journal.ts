import type { Store } from '../store/store.js';

/**
 * Group commit: writes that come while a batch is under way go together into the next one. They are kept in the
 * order in which they were handed over.
 */
export class Journal {
  #waiting: (() => void)[] = [];
  #next: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();

  /** @param failed is told of writes that could not be kept, whether somebody waits for them or not */
  constructor(
    private readonly store: Store,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Resolves when `work` and all that was handed over before it are kept. */
  write(work: () => void): Promise<void> {
    this.#waiting.push(work);
    if (!this.#next) {
      this.#next = this.#current.then(() => this.#commit());
      // Told once for the whole batch; who waits for one of its writes is told as well.
      this.#next.catch(this.failed);
    }
    return this.#next;
  }

  /** Resolves when all that was handed over is kept. */
  async settled(): Promise<void> {
    await (this.#next ?? this.#current);
  }

  #commit(): Promise<void> {
    const work = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    const commit = this.store.batch(() => {
      for (const write of work) write();
    });
    // A failed batch rejects for those who wait for it and does not stop the ones behind it.
    this.#current = commit.catch(() => {});
    return commit;
  }
}
