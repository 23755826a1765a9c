import type { JobExecutionStatus } from '@aws-sdk/client-iot';
import { key } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import { notFound } from '../errors.js';
import { secondParts, type Tables } from '../tables.js';
import type { Effects } from './effects.js';
import type { NewJob } from './engine.js';
import { digits, type JobRecord, type JobTables, NO_EXECUTIONS } from './records.js';

/** Newest first: what is left of this to a job's sequence number orders the list of jobs. */
const LAST_SEQUENCE = 10 ** 15 - 1;

/** A job as the CreateJob operation makes it, which has more than other services need. */
export interface JobRequest extends NewJob, Pick<JobRecord, 'documentSource' | 'jobTemplateArn' | 'retry'> {}

/** The jobs' own records, their documents and their targets. */
export class JobStore {
  constructor(
    private readonly tables: JobTables,
    private readonly registry: Tables,
    private readonly arns: IotArns,
    private readonly effects: Effects,
  ) {}

  get(jobId: string): JobRecord | undefined {
    return this.tables.jobs.get(jobId);
  }

  /** @throws ResourceNotFoundException */
  existing(jobId: string | undefined): JobRecord {
    const job = this.get(jobId ?? '');
    if (job) return job;
    throw notFound(`Job ${jobId} cannot be found.`);
  }

  document(jobId: string): string {
    return this.tables.documents.get(jobId) ?? '{}';
  }

  /** Newest first, behind one of them. */
  *list(after?: string): Generator<JobRecord> {
    for (const [, jobId] of this.tables.order.entries(after === undefined ? {} : { after })) {
      const job = this.get(jobId);
      if (job) yield job;
    }
  }

  /** Where a job stands in the list of all. */
  placeOf({ sequence }: JobRecord): string {
    return digits(LAST_SEQUENCE - sequence);
  }

  add({ document, ...request }: JobRequest, now: number): JobRecord {
    let sequence = 1;
    for (const [newest] of this.tables.order.entries({ limit: 1 })) {
      sequence = LAST_SEQUENCE - Number(newest) + 1;
    }
    const job: JobRecord = {
      ...request,
      sequence,
      status: 'IN_PROGRESS',
      created: now,
      updated: now,
      counts: NO_EXECUTIONS,
    };
    this.tables.order.put(this.placeOf(job), job.jobId);
    this.tables.documents.put(job.jobId, document);
    this.change(job, { targets: [] });
    return this.addTargets(job, request.targets);
  }

  change(job: JobRecord, patch: Partial<JobRecord>): JobRecord {
    const next = { ...job, ...patch };
    this.tables.jobs.put(job.jobId, next);
    this.effects.changed({ jobId: job.jobId, thingName: undefined });
    return next;
  }

  /** Adds targets; a continuous job is found by them from now on. */
  addTargets(job: JobRecord, targets: readonly string[]): JobRecord {
    if (job.targetSelection === 'CONTINUOUS') {
      for (const target of targets) this.tables.continuous.put(key(target, job.jobId), true);
    }
    const known = this.get(job.jobId)?.targets ?? [];
    return this.change(job, { targets: [...new Set([...known, ...targets])] });
  }

  /** Ids of the continuous jobs that run on this target. */
  *continuousOn(target: string): Generator<string> {
    for (const [jobId] of secondParts(this.tables.continuous, target)) yield jobId;
  }

  /** A job that has ended takes no further things. */
  closeTargets({ jobId, targets }: JobRecord): void {
    for (const target of targets) this.tables.continuous.delete(key(target, jobId));
  }

  /** Adds up what a unit of work counted. */
  count(jobId: string, tally: ReadonlyMap<JobExecutionStatus, number>): JobRecord | undefined {
    const job = this.get(jobId);
    if (!job) return undefined;
    const counts = { ...job.counts };
    for (const [status, change] of tally) counts[status] += change;
    const next = { ...job, counts };
    this.tables.jobs.put(jobId, next);
    return next;
  }

  remove(job: JobRecord): void {
    this.closeTargets(job);
    this.tables.order.delete(this.placeOf(job));
    this.tables.documents.delete(job.jobId);
    this.tables.jobs.delete(job.jobId);
    this.registry.tags.delete(this.arns.job(job.jobId));
    this.effects.changed({ jobId: job.jobId, thingName: undefined });
  }
}
