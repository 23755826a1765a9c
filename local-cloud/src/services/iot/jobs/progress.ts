import { secondParts } from '../tables.js';
import type { Effects } from './effects.js';
import { executionEvent, jobEvent } from './events.js';
import { type ExecutionPatch, type Executions, timeoutOf } from './executions.js';
import type { JobStore } from './job-store.js';
import type { ExecutionRecord, JobRecord, JobTables } from './records.js';
import { abortCriterion, isRetried } from './rollout.js';

type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'REJECTED' | 'REMOVED' | 'CANCELED';

/** What becomes of executions, and of jobs as their executions come to an end. */
export class Progress {
  constructor(
    private readonly tables: JobTables,
    private readonly jobs: JobStore,
    private readonly executions: Executions,
    private readonly effects: Effects,
    private readonly cancel: (job: JobRecord, reason: { reasonCode: string; comment: string }) => void,
    private readonly now: () => number,
    private readonly thingArn: (thingName: string) => string,
  ) {}

  /** Starts an execution, or notes how far it is. */
  run(
    job: JobRecord | undefined,
    execution: ExecutionRecord,
    patch: Pick<ExecutionPatch, 'statusDetails' | 'stepTimeoutAt'>,
    now: number,
  ): ExecutionRecord {
    const minutes = job?.timeout?.inProgressTimeoutInMinutes;
    const starts = execution.status !== 'IN_PROGRESS';
    return this.executions.update(
      execution,
      {
        ...patch,
        status: 'IN_PROGRESS',
        ...(starts && { startedAt: now }),
        ...(starts && minutes !== undefined && { timeoutAt: now + minutes * 60_000 }),
      },
      now,
    );
  }

  /** Ends an execution; a failure may be followed by another try. Returns the execution that ended. */
  end(
    job: JobRecord | undefined,
    execution: ExecutionRecord,
    status: EndStatus,
    now: number,
    patch: Pick<ExecutionPatch, 'statusDetails' | 'forceCanceled'> = {},
  ): ExecutionRecord {
    const ended = this.executions.update(execution, { ...patch, status }, now);
    this.effects.event(executionEvent(ended, status.toLowerCase(), this.thingArn(ended.thingName)));
    const failure = status === 'FAILED' || status === 'TIMED_OUT' ? status : undefined;
    if (failure && job?.status === 'IN_PROGRESS' && isRetried(job.retry, failure, ended.retried)) {
      const retried = { ...ended.retried, [failure]: ended.retried[failure] + 1 };
      this.executions.queue(job, ended.thingName, now, retried);
    }
    return ended;
  }

  /** Takes one execution out of the records. */
  remove(execution: ExecutionRecord): void {
    this.executions.removeOne(execution);
    this.effects.event(executionEvent(execution, 'deleted', this.thingArn(execution.thingName)));
  }

  /** Ends an execution whose time is over. */
  expire(jobId: string, thingName: string, now: number): void {
    const execution = this.executions.get(jobId, thingName);
    const timeout = execution && timeoutOf(execution);
    if (execution && timeout && timeout.at <= now)
      this.end(this.jobs.get(jobId), execution, 'TIMED_OUT', now);
  }

  /** Lets a job be looked at when the unit of work ends, although none of its executions changed. */
  look(jobId: string): void {
    this.effects.tally(jobId, undefined, undefined);
  }

  /** Lets jobs follow their executions: aborted when too many failed, completed when all have ended. */
  settle(): void {
    for (let tallies = this.effects.takeTallies(); tallies.length > 0; tallies = this.effects.takeTallies()) {
      for (const [jobId, tally] of tallies) {
        const job = this.jobs.count(jobId, tally);
        if (job?.status === 'IN_PROGRESS') this.#settle(job);
      }
    }
  }

  #settle(job: JobRecord): void {
    const criterion = abortCriterion(job.abort, job.counts);
    if (criterion) {
      const { failureType, thresholdPercentage, minNumberOfExecutedThings } = criterion;
      this.cancel(job, {
        reasonCode: 'ABORT_CRITERIA_MET',
        comment: `Job aborted: at least ${thresholdPercentage} percent of its executions ended as ${failureType === 'ALL' ? 'failed, rejected or timed out' : failureType}, after at least ${minNumberOfExecutedThings} things were notified.`,
      });
      return;
    }
    const { QUEUED, IN_PROGRESS } = job.counts;
    if (job.targetSelection === 'CONTINUOUS' || QUEUED > 0 || IN_PROGRESS > 0) return;
    if (!secondParts(this.tables.waiting, job.jobId).next().done) return;
    const now = this.now();
    const completed = this.jobs.change(job, { status: 'COMPLETED', completed: now, updated: now });
    this.effects.event(jobEvent(completed, 'completed'));
  }
}
