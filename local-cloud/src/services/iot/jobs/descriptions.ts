import type { ExecutionRecord } from './records.js';

/** Executions as devices see them: times in whole seconds since 1970 (developer guide, "Jobs device MQTT API"). */
export interface ExecutionSummary {
  readonly jobId: string;
  readonly queuedAt: number;
  readonly startedAt?: number;
  readonly lastUpdatedAt: number;
  readonly versionNumber: number;
  readonly executionNumber: number;
}

export function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

export function summaryOf(execution: ExecutionRecord): ExecutionSummary {
  const { jobId, queuedAt, startedAt, updatedAt, version, executionNumber } = execution;
  return {
    jobId,
    queuedAt: seconds(queuedAt),
    ...(startedAt !== undefined && { startedAt: seconds(startedAt) }),
    lastUpdatedAt: seconds(updatedAt),
    versionNumber: version,
    executionNumber,
  };
}

/** The JobExecution of the device API; without the thing's name, as notifications have it. */
export function describedExecution(execution: ExecutionRecord, jobDocument: unknown) {
  const { status, statusDetails } = execution;
  return {
    ...summaryOf(execution),
    status,
    ...(statusDetails && { statusDetails }),
    ...(jobDocument !== undefined && { jobDocument }),
  };
}

export function stateOf({ status, statusDetails, version }: ExecutionRecord) {
  return { status, ...(statusDetails && { statusDetails }), versionNumber: version };
}

/** Seconds until an execution times out; undefined when it does not. */
export function secondsLeft(execution: ExecutionRecord, now: number): number | undefined {
  const { timeoutAt, stepTimeoutAt, status } = execution;
  const at = Math.min(timeoutAt ?? Number.POSITIVE_INFINITY, stepTimeoutAt ?? Number.POSITIVE_INFINITY);
  return status === 'IN_PROGRESS' && Number.isFinite(at) ? Math.max(0, seconds(at - now)) : undefined;
}
