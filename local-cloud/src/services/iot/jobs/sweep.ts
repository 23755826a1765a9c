import { key } from '../../../store/store.js';
import { secondParts } from '../tables.js';
import type { Deadlines } from './deadlines.js';
import type { Effects } from './effects.js';
import { executionEvent, jobEvent } from './events.js';
import type { Executions } from './executions.js';
import type { JobStore } from './job-store.js';
import type { Progress } from './progress.js';
import type { JobRecord, JobTables } from './records.js';

/** Executions that are looked at in one go. */
const BATCH = 1000;

/** Cancels and deletes jobs with their executions, large ones in parts. */
export class Sweep {
  constructor(
    private readonly tables: JobTables,
    private readonly jobs: JobStore,
    private readonly executions: Executions,
    private readonly progress: Progress,
    private readonly effects: Effects,
    private readonly deadlines: Deadlines,
    private readonly thingArn: (thingName: string) => string,
  ) {}

  cancel(
    job: JobRecord,
    { force, ...reason }: { force: boolean; reasonCode?: string; comment?: string },
    now: number,
  ): void {
    this.jobs.closeTargets(job);
    const canceled = this.jobs.change(this.#stopRollout(job), {
      ...reason,
      status: 'CANCELED',
      updated: now,
      completed: now,
      forceCanceled: force,
    });
    this.effects.event(jobEvent(canceled, 'cancellation_in_progress'));
    this.#begin(canceled, 'cancel', force, now);
  }

  delete(job: JobRecord, now: number): void {
    this.jobs.closeTargets(job);
    const deleted = this.jobs.change(this.#stopRollout(job), {
      status: 'DELETION_IN_PROGRESS',
      updated: now,
    });
    this.effects.event(jobEvent(deleted, 'deletion_in_progress'));
    this.#begin(deleted, 'delete', true, now);
  }

  /** Does the next part. */
  go(job: JobRecord, now: number): void {
    const { sweep } = job;
    if (!sweep) return;
    this.deadlines.clear({ at: sweep.at, kind: 'sweep', jobId: job.jobId, thingName: '' });
    const isDone = this.#dropWaiting(job) && this.#sweep(job, sweep, now);
    if (!isDone) {
      this.#schedule(job, { ...sweep, at: now });
    } else if (sweep.kind === 'cancel') {
      this.effects.event(jobEvent(this.jobs.change(job, { sweep: undefined }), 'canceled'));
    } else {
      this.jobs.remove(job);
      this.effects.event(jobEvent(job, 'deleted'));
    }
  }

  #begin(job: JobRecord, kind: 'cancel' | 'delete', force: boolean, now: number): void {
    if (job.sweep) this.deadlines.clear({ at: job.sweep.at, kind: 'sweep', jobId: job.jobId, thingName: '' });
    this.go(this.#schedule(job, { kind, force, at: now }), now);
  }

  #schedule(job: JobRecord, sweep: NonNullable<JobRecord['sweep']>): JobRecord {
    this.deadlines.set({ at: sweep.at, kind: 'sweep', jobId: job.jobId, thingName: '' });
    return this.jobs.change(job, { sweep });
  }

  #stopRollout(job: JobRecord): JobRecord {
    if (job.nextRollout === undefined) return job;
    this.deadlines.clear({ at: job.nextRollout, kind: 'rollout', jobId: job.jobId, thingName: '' });
    return { ...job, nextRollout: undefined };
  }

  /** Whether no thing is left that waits for an execution. */
  #dropWaiting({ jobId }: JobRecord): boolean {
    const names: string[] = [];
    for (const [thing] of secondParts(this.tables.waiting, jobId)) {
      if (names.length === BATCH) break;
      names.push(thing);
    }
    for (const thing of names) this.tables.waiting.delete(key(jobId, thing));
    return names.length < BATCH;
  }

  /** Whether no execution is left to cancel or delete. */
  #sweep(job: JobRecord, { kind, force }: NonNullable<JobRecord['sweep']>, now: number): boolean {
    let count = 0;
    const isLeft = ({ status }: { status: string }) =>
      kind === 'delete' || status === 'QUEUED' || (force && status === 'IN_PROGRESS');
    const found = [];
    for (const execution of this.executions.ofJob(job.jobId)) {
      if (!isLeft(execution)) continue;
      if (count === BATCH) return this.#apply(job, found, kind, force, now, false);
      count += 1;
      found.push(execution);
    }
    return this.#apply(job, found, kind, force, now, true);
  }

  #apply(
    job: JobRecord,
    found: ReturnType<Executions['get']>[],
    kind: 'cancel' | 'delete',
    force: boolean,
    now: number,
    isDone: boolean,
  ): boolean {
    for (const execution of found) {
      if (!execution) continue;
      if (kind === 'cancel') {
        this.progress.end(job, execution, 'CANCELED', now, force ? { forceCanceled: true } : {});
      } else {
        this.executions.remove(execution);
        this.effects.event(executionEvent(execution, 'deleted', this.thingArn(execution.thingName)));
      }
    }
    return isDone;
  }
}
