import type { Store, Table } from '../../../store/store.js';
import type { RuleMessage } from './sql/index.js';

/** A message of QoS 1 that a rule has not worked off yet. */
export interface PendingRun {
  /** Later ones sort behind earlier ones. */
  readonly id: string;
  readonly ruleName: string;
  readonly message: RuleMessage;
  /** Rules that republished on the way to this message. */
  readonly hops: number;
}

/**
 * What rules still have to do for messages that were acknowledged. It survives the process, so a message of QoS 1
 * is worked off at least once.
 */
export class PendingRuns {
  readonly #table: Table<PendingRun>;

  constructor(private readonly store: Store) {
    this.#table = store.table('iot.pendingRuleRuns');
  }

  /** Resolves when they are kept. */
  add(runs: readonly PendingRun[]): Promise<void> {
    return this.store.batch(() => this.addNow(runs));
  }

  /** They are kept when it returns. */
  addNow(runs: readonly PendingRun[]): void {
    for (const run of runs) this.#table.put(run.id, run);
  }

  /** Resolves when it is forgotten. */
  done({ id }: PendingRun): Promise<void> {
    return this.store.batch(() => this.#table.delete(id));
  }

  /** All of them, the oldest first. */
  all(): PendingRun[] {
    return [...this.#table.entries()].map(([, run]) => run);
  }
}
