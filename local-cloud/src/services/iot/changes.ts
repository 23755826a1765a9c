import type { Store } from '../../store/store.js';

/** What a decision about a device may hang on: `principal/{arn}`, `policy/{name}`, `thing/{name}`, `thinggroup/{name}`. */
export type Subject = `${'principal' | 'policy' | 'thing' | 'thinggroup'}/${string}`;

/**
 * Transactions of the registry that tell, once they are kept, what they changed, so that cached decisions are
 * thrown away exactly when they may have become wrong.
 */
export class Changes {
  #depth = 0;
  #touched = new Set<Subject>();
  #afterwards: (() => void)[] = [];
  readonly #listeners = new Set<(subjects: ReadonlySet<Subject>) => void>();

  constructor(private readonly store: Store) {}

  /** Runs `work` so that all or none of its writes are kept. A transaction inside of another is part of it. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#depth += 1;
    try {
      const result = this.store.transaction(work);
      this.#depth -= 1;
      this.#tell();
      return result;
    } catch (error) {
      this.#depth = 0;
      this.#touched.clear();
      this.#afterwards = [];
      throw error;
    }
  }

  /** Notes inside of a transaction that a subject changes. */
  touch(subject: Subject): void {
    this.#touched.add(subject);
  }

  /** Notes inside of a transaction what is to be done when it is kept, and only then. */
  afterwards(work: () => void): void {
    this.#afterwards.push(work);
  }

  /** Calls `listener` after every transaction that changed something; returns how to stop that. */
  listen(listener: (subjects: ReadonlySet<Subject>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    const afterwards = this.#afterwards;
    this.#afterwards = [];
    if (this.#touched.size > 0) {
      const touched = this.#touched;
      this.#touched = new Set();
      for (const listener of this.#listeners) listener(touched);
    }
    for (const work of afterwards) work();
  }
}
