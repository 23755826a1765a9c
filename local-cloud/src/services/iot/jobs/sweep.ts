import { key } from '../../../store/store.js';
import { secondParts } from '../tables.js';
import type { Deadlines } from './deadlines.js';
import type { Effects } from './effects.js';
import { executionEvent, jobEvent } from './events.js';
import type { Executions } from './executions.js';
import type { JobStore } from './job-store.js';
import type { Progress } from './progress.js';
import type { ExecutionRecord, JobRecord, JobSweep, JobTables } from './records.js';

/** Executions that are looked at in one go. */
const BATCH = 200;

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
    const after = this.#dropWaiting(job) ? this.#sweep(job, sweep, now) : (sweep.after ?? '');
    if (after !== undefined) {
      this.#schedule(job, { ...sweep, at: now, after });
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

  #schedule(job: JobRecord, sweep: JobSweep): JobRecord {
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

  /** Cancels or deletes some executions; returns the thing that it has come to, undefined when none is left. */
  #sweep(job: JobRecord, { kind, force, after }: JobSweep, now: number): string | undefined {
    const some: ExecutionRecord[] = [];
    for (const execution of this.executions.ofJob(job.jobId, after)) {
      some.push(execution);
      if (some.length === BATCH) break;
    }
    for (const execution of some) {
      const { status, thingName } = execution;
      if (kind === 'delete') {
        this.executions.remove(execution);
        this.effects.event(executionEvent(execution, 'deleted', this.thingArn(thingName)));
      } else if (status === 'QUEUED' || (force && status === 'IN_PROGRESS')) {
        this.progress.end(job, execution, 'CANCELED', now, force ? { forceCanceled: true } : {});
      }
    }
    return some.length < BATCH ? undefined : some.at(-1)?.thingName;
  }
}
