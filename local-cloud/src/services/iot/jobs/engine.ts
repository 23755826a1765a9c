import type { AbortConfig, JobExecutionsRolloutConfig, TimeoutConfig } from '@aws-sdk/client-iot';
import type { ExecutionRecord, JobRecord } from './records.js';

export type { ExecutionRecord, JobRecord } from './records.js';

/** A job that a service of AWS runs through AWS IoT, such as a Greengrass deployment to a thing group. */
export interface NewJob {
  readonly jobId: string;
  /** ARNs of things and thing groups. */
  readonly targets: readonly string[];
  readonly targetSelection: 'SNAPSHOT' | 'CONTINUOUS';
  /** JSON text; what a device is sent as `jobDocument`. */
  readonly document: string;
  /** Its topics carry `namespace-{namespaceId}`; ordinary jobs have none. Greengrass: `aws-gg-deployment`. */
  readonly namespaceId?: string;
  readonly description?: string;
  readonly rollout?: JobExecutionsRolloutConfig;
  readonly abort?: AbortConfig;
  readonly timeout?: TimeoutConfig;
}

/** A change of a job (`thingName` undefined) or of one of its executions. */
export interface JobChange {
  readonly jobId: string;
  readonly thingName: string | undefined;
}

/** Jobs, for other services of AWS. Errors are those of the AWS IoT operations of the same names. */
export interface JobEngine {
  /** Kept when it returns; things are told afterwards, at the pace of the job's rollout. */
  create(job: NewJob): { jobArn: string };
  /** Executions that are queued are canceled; those in progress too with `force`. */
  cancel(jobId: string, options: { force: boolean; reasonCode?: string; comment?: string }): void;
  delete(jobId: string, options: { force: boolean }): void;
  get(jobId: string): JobRecord | undefined;
  /** The latest execution of each thing. */
  executions(jobId: string): Iterable<ExecutionRecord>;
  /** The latest executions of one thing, of every job. */
  executionsOf(thingName: string): Iterable<ExecutionRecord>;
  /** Called after each change of a job or of one of its executions, once it is kept; also after its deletion. */
  onChange(listener: (change: JobChange) => void): void;
}
