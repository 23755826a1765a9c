import type {
  AbortConfig,
  AbortCriteria,
  JobExecutionsRetryConfig,
  JobExecutionsRolloutConfig,
} from '@aws-sdk/client-iot';
import type { ExecutionRecord, JobRecord } from './records.js';

/** Most executions that a minute of a rollout may begin (AWS IoT Jobs quotas: "maximumPerMinute"). */
export const FASTEST = 1000;

/**
 * How many executions a rollout may begin in the minute that starts now; undefined when it has no limit
 * (developer guide, "Job configurations": the exponential rate grows by its factor each time that as many more
 * things as its criterion names were notified, or have succeeded, up to the maximum).
 */
export function rolloutRate(
  config: JobExecutionsRolloutConfig | undefined,
  counts: JobRecord['counts'],
): number | undefined {
  const { exponentialRate, maximumPerMinute } = config ?? {};
  if (!exponentialRate) return maximumPerMinute;
  const most = maximumPerMinute ?? FASTEST;
  const { baseRatePerMinute: base = most, incrementFactor = 1, rateIncreaseCriteria } = exponentialRate;
  const { numberOfNotifiedThings: notified, numberOfSucceededThings: succeeded } = rateIncreaseCriteria ?? {};
  const increases =
    notified !== undefined
      ? Math.floor(notifiedThings(counts) / notified)
      : succeeded !== undefined
        ? Math.floor(counts.SUCCEEDED / succeeded)
        : 0;
  return Math.floor(Math.min(most, base * incrementFactor ** increases));
}

/** Things that have or had an execution. */
export function notifiedThings(counts: JobRecord['counts']): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The first criterion that asks for the job to be aborted (API reference, "AbortCriteria"). */
export function abortCriterion(
  config: AbortConfig | undefined,
  counts: JobRecord['counts'],
): AbortCriteria | undefined {
  const notified = notifiedThings(counts);
  return config?.criteriaList?.find(({ failureType, thresholdPercentage = 0, ...criterion }) => {
    const { FAILED, REJECTED, TIMED_OUT } = counts;
    const failures = { FAILED, REJECTED, TIMED_OUT, ALL: FAILED + REJECTED + TIMED_OUT }[
      failureType ?? 'ALL'
    ];
    return (
      failures > 0 &&
      notified >= (criterion.minNumberOfExecutedThings ?? 1) &&
      (failures * 100) / notified >= thresholdPercentage
    );
  });
}

/** Whether an execution that failed in this way is tried again (API reference, "RetryCriteria"). */
export function isRetried(
  config: JobExecutionsRetryConfig | undefined,
  failure: 'FAILED' | 'TIMED_OUT',
  retried: ExecutionRecord['retried'],
): boolean {
  return (config?.criteriaList ?? []).some(({ failureType, numberOfRetries = 0 }) => {
    if (failureType === 'ALL') return retried.FAILED + retried.TIMED_OUT < numberOfRetries;
    return failureType === failure && retried[failure] < numberOfRetries;
  });
}
