import type {
  AbortConfig,
  JobExecutionStatus,
  JobExecutionsRetryConfig,
  JobExecutionsRolloutConfig,
  JobStatus,
  TargetSelection,
  TimeoutConfig,
} from '@aws-sdk/client-iot';
import type { Store, Table } from '../../../store/store.js';

/** What AWS IoT Jobs keeps of a job. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly jobId: string;
  /** Grows with every job; newer jobs are listed first. */
  readonly sequence: number;
  /** ARNs of things and thing groups. */
  readonly targets: readonly string[];
  readonly targetSelection: TargetSelection;
  readonly status: JobStatus;
  readonly namespaceId?: string;
  readonly description?: string;
  readonly documentSource?: string;
  readonly jobTemplateArn?: string;
  readonly rollout?: JobExecutionsRolloutConfig;
  readonly abort?: AbortConfig;
  readonly timeout?: TimeoutConfig;
  readonly retry?: JobExecutionsRetryConfig;
  readonly created: number;
  readonly updated: number;
  readonly completed?: number;
  readonly forceCanceled?: boolean;
  readonly reasonCode?: string;
  readonly comment?: string;
  /** Things by the status of their latest execution. */
  readonly counts: Readonly<Record<JobExecutionStatus, number>>;
  /** The minute in which executions are being handed out, how many may be and how many were. */
  readonly window?: { readonly start: number; readonly rate: number; readonly sent: number } | undefined;
  /** When further executions are handed out; undefined when no thing waits for one. */
  readonly nextRollout?: number | undefined;
  readonly sweep?: JobSweep | undefined;
}

/** Canceling or deleting the executions of a job. */
export interface JobSweep {
  readonly kind: 'cancel' | 'delete';
  readonly force: boolean;
  /** When it goes on. */
  readonly at: number;
  /** The thing that it has come to. */
  readonly after?: string;
}

/** A template that jobs are made of. */
export interface JobTemplateRecord extends Pick<JobRecord, 'documentSource'> {
  readonly jobTemplateId: string;
  readonly description: string;
  readonly document: string;
  readonly settings: Pick<JobRecord, 'rollout' | 'abort' | 'timeout' | 'retry'>;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** An execution of a job on one thing. Times are milliseconds since 1970. */
export interface ExecutionRecord {
  readonly jobId: string;
  readonly thingName: string;
  readonly namespaceId?: string;
  /** The job's sequence number: orders executions that were queued at the same time. */
  readonly sequence: number;
  /** From 1; a retry or a thing that joins again gets the next one. */
  readonly executionNumber: number;
  /** Retries before this one. */
  readonly retryAttempt: number;
  /** Failures that were followed by a retry. */
  readonly retried: { readonly FAILED: number; readonly TIMED_OUT: number };
  readonly status: JobExecutionStatus;
  readonly statusDetails?: Readonly<Record<string, string>>;
  readonly queuedAt: number;
  readonly startedAt?: number;
  readonly updatedAt: number;
  /** From 1; grows with every update. */
  readonly version: number;
  readonly forceCanceled?: boolean;
  /** When the execution times out: by the job's timeout, and by the timer of the step that runs. */
  readonly timeoutAt?: number;
  readonly stepTimeoutAt?: number;
  /** The thing has left the targets of its continuous job; when it joins again it gets a new execution. */
  readonly left?: boolean;
}

/** Statuses that an execution does not leave again. */
export const TERMINAL: ReadonlySet<JobExecutionStatus> = new Set([
  'SUCCEEDED',
  'FAILED',
  'TIMED_OUT',
  'REJECTED',
  'REMOVED',
  'CANCELED',
] as const);

export const NO_EXECUTIONS: JobRecord['counts'] = {
  QUEUED: 0,
  IN_PROGRESS: 0,
  SUCCEEDED: 0,
  FAILED: 0,
  TIMED_OUT: 0,
  REJECTED: 0,
  REMOVED: 0,
  CANCELED: 0,
};

export interface JobTables {
  readonly jobs: Table<JobRecord>;
  /** By job id. */
  readonly documents: Table<string>;
  /** What is left to 10^15 of the sequence number, so newest first; to the job's id. */
  readonly order: Table<string>;
  /** key(job, thing): the latest execution. */
  readonly executions: Table<ExecutionRecord>;
  /** key(job, thing, execution number in ten digits): executions before the latest. */
  readonly earlier: Table<ExecutionRecord>;
  /** key(thing, job) */
  readonly ofThing: Table<true>;
  /** key(thing, namespace or nothing, rank, time queued, sequence, job): what is not at its end, as devices see it. */
  readonly pending: Table<true>;
  /** key(job, thing): things that get an execution when the rollout comes to them. */
  readonly waiting: Table<true>;
  /** key(target ARN, job): targets of continuous jobs. */
  readonly continuous: Table<true>;
  /** key(time, kind, job, thing or nothing) */
  readonly deadlines: Table<true>;
}

export function openJobTables(store: Store): JobTables {
  return {
    jobs: store.table('iot.jobs'),
    documents: store.table('iot.jobDocuments'),
    order: store.table('iot.jobOrder'),
    executions: store.table('iot.jobExecutions'),
    earlier: store.table('iot.jobExecutionsEarlier'),
    ofThing: store.table('iot.jobExecutionsOfThing'),
    pending: store.table('iot.jobExecutionsPending'),
    waiting: store.table('iot.jobThingsWaiting'),
    continuous: store.table('iot.jobTargetsContinuous'),
    deadlines: store.table('iot.jobDeadlines'),
  };
}

/** A whole number so that keys sort as numbers do. */
export function digits(value: number, length = 15): string {
  return String(value).padStart(length, '0');
}
