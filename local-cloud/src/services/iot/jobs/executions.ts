import { key } from '../../../store/store.js';
import type { Deadline, Deadlines } from './deadlines.js';
import type { Effects } from './effects.js';
import { digits, type ExecutionRecord, type JobRecord, type JobTables, TERMINAL } from './records.js';

/** What an update of an execution changes of it; its version grows on its own. */
export type ExecutionPatch = Partial<
  Pick<ExecutionRecord, 'status' | 'statusDetails' | 'startedAt' | 'forceCanceled' | 'timeoutAt'>
> & {
  /** Undefined ends the timer of the step. */
  stepTimeoutAt?: number | undefined;
};

/**
 * The executions of all jobs with what is derived of them: the list that each thing has to work through, the counts of
 * the job, timeouts, and whom to tell. All writes come within the transaction of a unit of work.
 */
export class Executions {
  constructor(
    private readonly tables: JobTables,
    private readonly effects: Effects,
    private readonly deadlines: Deadlines,
  ) {}

  /** The latest execution, or the one of that number. */
  get(jobId: string, thingName: string, executionNumber?: number): ExecutionRecord | undefined {
    const latest = this.tables.executions.get(key(jobId, thingName));
    if (executionNumber === undefined || latest?.executionNumber === executionNumber) return latest;
    return this.tables.earlier.get(key(jobId, thingName, digits(executionNumber, 10)));
  }

  /** The latest execution of each thing, behind that of a thing. */
  *ofJob(jobId: string, after?: string): Generator<ExecutionRecord> {
    const prefix = `${jobId}\u001f`;
    const range = { prefix, ...(after !== undefined && { after: key(jobId, after) }) };
    for (const [, execution] of this.tables.executions.entries(range)) yield execution;
  }

  /** The latest executions on a thing in order of their jobs' ids, behind that of a job. */
  *ofThing(thingName: string, after?: string): Generator<ExecutionRecord> {
    const prefix = `${thingName}\u001f`;
    const range = { prefix, ...(after !== undefined && { after: key(thingName, after) }) };
    for (const [name] of this.tables.ofThing.entries(range)) {
      const execution = this.get(name.slice(prefix.length), thingName);
      if (execution) yield execution;
    }
  }

  /** What a thing has to do, in its order: what is in progress first, then by the time it was queued. */
  *pending(thingName: string, namespaceId: string | undefined): Generator<ExecutionRecord> {
    const prefix = `${key(thingName, namespaceId ?? '')}\u001f`;
    for (const [name] of this.tables.pending.entries({ prefix })) {
      const execution = this.get(name.slice(name.lastIndexOf('\u001f') + 1), thingName);
      if (execution) yield execution;
    }
  }

  next(thingName: string, namespaceId: string | undefined): ExecutionRecord | undefined {
    const { value } = this.pending(thingName, namespaceId).next();
    return value ?? undefined;
  }

  /** Queues an execution of a job on a thing; one that the thing had of it before is kept as an earlier one. */
  queue(job: JobRecord, thingName: string, now: number, retry?: ExecutionRecord['retried']): void {
    const before = this.get(job.jobId, thingName);
    if (before)
      this.tables.earlier.put(key(job.jobId, thingName, digits(before.executionNumber, 10)), before);
    this.#write(before, {
      jobId: job.jobId,
      thingName,
      ...(job.namespaceId !== undefined && { namespaceId: job.namespaceId }),
      sequence: job.sequence,
      executionNumber: (before?.executionNumber ?? 0) + 1,
      retryAttempt: retry ? (before?.retryAttempt ?? 0) + 1 : 0,
      retried: retry ?? { FAILED: 0, TIMED_OUT: 0 },
      status: 'QUEUED',
      queuedAt: now,
      updatedAt: now,
      version: 1,
      ...(before?.left && retry && { left: true }),
    });
  }

  /** Updates the latest execution of a thing. */
  update(before: ExecutionRecord, patch: ExecutionPatch, now: number): ExecutionRecord {
    const { timeoutAt, stepTimeoutAt, ...rest } = { ...before, ...patch };
    const running = rest.status === 'IN_PROGRESS';
    const after: ExecutionRecord = {
      ...rest,
      ...(running && timeoutAt !== undefined && { timeoutAt }),
      ...(running && stepTimeoutAt !== undefined && { stepTimeoutAt }),
      updatedAt: now,
      version: before.version + 1,
    };
    this.#write(before, after);
    return after;
  }

  /** Notes whether the thing is among the targets of the execution's continuous job. */
  mark(execution: ExecutionRecord, left: boolean): void {
    const { left: _, ...rest } = execution;
    this.tables.executions.put(key(execution.jobId, execution.thingName), left ? { ...rest, left } : rest);
  }

  /** Removes the latest execution of a thing, and those before it. */
  remove(execution: ExecutionRecord): void {
    const { jobId, thingName } = execution;
    for (const [name] of [...this.tables.earlier.entries({ prefix: `${key(jobId, thingName)}\u001f` })]) {
      this.tables.earlier.delete(name);
    }
    this.#write(execution, undefined);
  }

  /** Removes one execution; when it is the latest, the one before it becomes that. */
  removeOne(execution: ExecutionRecord): void {
    const { jobId, thingName, executionNumber } = execution;
    if (this.get(jobId, thingName)?.executionNumber !== executionNumber) {
      this.tables.earlier.delete(key(jobId, thingName, digits(executionNumber, 10)));
      return;
    }
    const earlier = [...this.tables.earlier.entries({ prefix: `${key(jobId, thingName)}\u001f` })].at(-1);
    if (earlier) this.tables.earlier.delete(earlier[0]);
    this.#write(execution, earlier?.[1]);
  }

  #write(before: ExecutionRecord | undefined, after: ExecutionRecord | undefined): void {
    const execution = after ?? before;
    if (!execution) return;
    const { jobId, thingName, namespaceId } = execution;
    const { tables, effects, deadlines } = this;
    effects.changed({ jobId, thingName });
    if (before?.status !== after?.status || before?.executionNumber !== after?.executionNumber) {
      const stays = (one: ExecutionRecord | undefined) => one !== undefined && !TERMINAL.has(one.status);
      if (stays(before) || stays(after)) {
        effects.listChanges(thingName, namespaceId, () => this.next(thingName, namespaceId));
      }
      if (before && stays(before)) tables.pending.delete(pendingKey(before));
      if (after && stays(after)) tables.pending.put(pendingKey(after), true);
      effects.tally(jobId, before?.status, after?.status);
    }
    const [old, due] = [before && timeoutOf(before), after && timeoutOf(after)];
    if (old?.at !== due?.at) {
      if (old) deadlines.clear(old);
      if (due) deadlines.set(due);
    }
    if (after) tables.executions.put(key(jobId, thingName), after);
    else tables.executions.delete(key(jobId, thingName));
    if (after && !before) tables.ofThing.put(key(thingName, jobId), true);
    if (!after) tables.ofThing.delete(key(thingName, jobId));
  }
}

/** When an execution times out; undefined when it does not. */
export function timeoutOf(execution: ExecutionRecord): Deadline | undefined {
  const { status, jobId, thingName, timeoutAt, stepTimeoutAt } = execution;
  const at = Math.min(timeoutAt ?? Number.POSITIVE_INFINITY, stepTimeoutAt ?? Number.POSITIVE_INFINITY);
  if (status !== 'IN_PROGRESS' || !Number.isFinite(at)) return undefined;
  return { at, kind: 'timeout', jobId, thingName };
}

function pendingKey(execution: ExecutionRecord): string {
  const { thingName, namespaceId = '', status, queuedAt, sequence, jobId } = execution;
  const rank = status === 'IN_PROGRESS' ? '0' : '1';
  return key(thingName, namespaceId, rank, digits(queuedAt), digits(sequence), jobId);
}
