import type { Changes } from '../changes.js';
import type { Effects, Outcome } from './effects.js';

/**
 * Runs what changes jobs as one transaction, lets their state follow before it ends, and tells the outcome once it is
 * kept. A unit inside of another is part of it.
 */
export class UnitOfWork {
  #running = false;

  constructor(
    private readonly changes: Changes,
    private readonly effects: Effects,
    /** Called at the end of the transaction. */
    private readonly settle: () => void,
    /** Called once it is kept. */
    private readonly kept: (outcome: Outcome) => void,
  ) {}

  run<T>(work: () => T): T {
    if (this.#running) return work();
    this.#running = true;
    let result: T;
    try {
      result = this.changes.transaction(() => {
        const value = work();
        this.settle();
        return value;
      });
    } catch (error) {
      this.effects.clear();
      throw error;
    } finally {
      this.#running = false;
    }
    this.kept(this.effects.take());
    return result;
  }
}
