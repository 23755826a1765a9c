import type { JobEvent } from './effects.js';
import type { ExecutionRecord, JobRecord } from './records.js';

/** A job's event as `$aws/events/job/{jobId}/{operation}` tells it (developer guide, "Jobs events"). */
export function jobEvent(job: JobRecord, operation: string): JobEvent {
  return {
    kind: 'JOB',
    operation,
    jobId: job.jobId,
    body: {
      jobId: job.jobId,
      status: STATUS[operation] ?? job.status,
      targetSelection: job.targetSelection,
      targets: job.targets,
      ...(job.description !== undefined && { description: job.description }),
      ...(job.comment !== undefined && { comment: job.comment }),
      ...(job.reasonCode !== undefined && { reasonCode: job.reasonCode }),
      ...(job.completed !== undefined && { completedAt: job.completed }),
      createdAt: job.created,
      lastUpdatedAt: job.updated,
      jobProcessDetails: processCounts(job.counts),
    },
  };
}

/** What events tell of a job's counts. */
export function processCounts(counts: JobRecord['counts']): Record<string, number> {
  return {
    numberOfCanceledThings: counts.CANCELED,
    numberOfRejectedThings: counts.REJECTED,
    numberOfFailedThings: counts.FAILED,
    numberOfRemovedThings: counts.REMOVED,
    numberOfSucceededThings: counts.SUCCEEDED,
    numberOfTimedOutThings: counts.TIMED_OUT,
  };
}

/** Statuses that events name and jobs have not. */
const STATUS: Readonly<Record<string, string>> = {
  cancellation_in_progress: 'CANCELLATION_IN_PROGRESS',
  deleted: 'DELETED',
};

/** An execution's event as `$aws/events/jobExecution/{jobId}/{operation}` tells it. */
export function executionEvent(execution: ExecutionRecord, operation: string, thingArn: string): JobEvent {
  const { jobId, status, statusDetails } = execution;
  return {
    kind: 'JOB_EXECUTION',
    operation,
    jobId,
    body: { jobId, thingArn, status, ...(statusDetails && { statusDetails }) },
  };
}
