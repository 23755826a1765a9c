import type { JobExecutionStatus } from '@aws-sdk/client-iot';
import { key } from '../../../store/store.js';
import type { JobChange } from './engine.js';
import type { ExecutionRecord } from './records.js';

/** What is told once a unit of work is kept. */
export interface Outcome {
  readonly changes: readonly JobChange[];
  /** Things whose list of pending executions changed, and what stood first in it before. */
  readonly lists: readonly {
    readonly thingName: string;
    readonly namespaceId: string | undefined;
    readonly first: string | undefined;
  }[];
  readonly events: readonly JobEvent[];
}

/** A message on `$aws/events`: what it is about, and the message without its id and time. */
export interface JobEvent {
  readonly kind: 'JOB' | 'JOB_EXECUTION';
  readonly operation: string;
  readonly jobId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Gathers, within a unit of work, what it changes. */
export class Effects {
  readonly #changes = new Map<string, JobChange>();
  readonly #lists = new Map<string, Outcome['lists'][number]>();
  readonly #events: JobEvent[] = [];
  readonly #tallies = new Map<string, Map<JobExecutionStatus, number>>();

  /** Notes a change; a job whose counts may have to be looked at is among {@link takeTallies}. */
  changed(change: JobChange): void {
    this.#changes.set(key(change.jobId, change.thingName ?? ''), change);
  }

  event(event: JobEvent): void {
    this.#events.push(event);
  }

  /** Notes that a thing's list is about to change; `first` is asked before it does. */
  listChanges(
    thingName: string,
    namespaceId: string | undefined,
    first: () => ExecutionRecord | undefined,
  ): void {
    const name = key(thingName, namespaceId ?? '');
    if (!this.#lists.has(name)) {
      this.#lists.set(name, { thingName, namespaceId, first: identity(first()) });
    }
  }

  /** Counts a thing from one status to another. */
  tally(jobId: string, from: JobExecutionStatus | undefined, to: JobExecutionStatus | undefined): void {
    let tally = this.#tallies.get(jobId);
    if (!tally) {
      tally = new Map();
      this.#tallies.set(jobId, tally);
    }
    if (from) tally.set(from, (tally.get(from) ?? 0) - 1);
    if (to) tally.set(to, (tally.get(to) ?? 0) + 1);
  }

  /** Jobs whose counts changed since this was last asked, and by how much. */
  takeTallies(): [jobId: string, tally: ReadonlyMap<JobExecutionStatus, number>][] {
    const tallies = [...this.#tallies];
    this.#tallies.clear();
    return tallies;
  }

  take(): Outcome {
    const outcome = {
      changes: [...this.#changes.values()],
      lists: [...this.#lists.values()],
      events: this.#events.splice(0),
    };
    this.clear();
    return outcome;
  }

  /** Forgets everything, as the unit of work failed. */
  clear(): void {
    this.#changes.clear();
    this.#lists.clear();
    this.#tallies.clear();
    this.#events.length = 0;
  }
}

/** Tells executions apart, also those of one job. */
export function identity(execution: ExecutionRecord | undefined): string | undefined {
  return execution && key(execution.jobId, String(execution.executionNumber));
}
