import {
  type AbortConfig,
  InvalidStateTransitionException,
  type JobExecutionsRetryConfig,
  type JobExecutionsRolloutConfig,
  type TimeoutConfig,
} from '@aws-sdk/client-iot';
import { rangeViolation, violation } from '../../../constraints.js';
import { checked, invalid } from '../errors.js';
import type { JobRequest } from './job-store.js';
import { FASTEST } from './rollout.js';

/** Largest job document (AWS IoT Jobs quotas, "Job document size limits"), in characters. */
export const LARGEST_DOCUMENT = 32_768;
/** Targets that a job can have. */
const MOST_TARGETS = 100;
const JOB_ID = /^[a-zA-Z0-9_-]+$/;
const DETAIL_NAME = /^[a-zA-Z0-9:_-]+$/;
/** Text without control characters. */
const TEXT = /^[^\p{C}]+$/u;
const REASON_CODE = /^[\p{Upper}\p{Nd}_]+$/u;
/** Seven days: longest time that a job or a step of it may take. */
export const LONGEST_TIMEOUT = 10_080;

export function invalidTransition(message: string): InvalidStateTransitionException {
  return new InvalidStateTransitionException({ message, $metadata: {} });
}

export function checkJobId(jobId: string | undefined): string {
  return checked(jobId, 'jobId', JOB_ID, 64);
}

/** Checks a new job as the API reference describes CreateJob. @throws InvalidRequestException */
export function checkJob(job: JobRequest): void {
  checkJobId(job.jobId);
  if (job.targets.length < 1) {
    throw invalid(violation('[]', 'targets', 'Member must have length greater than or equal to 1'));
  }
  if (job.targets.length > MOST_TARGETS) throw invalid(`A job can have at most ${MOST_TARGETS} targets.`);
  if (job.targetSelection !== 'SNAPSHOT' && job.targetSelection !== 'CONTINUOUS') {
    throw invalid(
      violation(
        job.targetSelection,
        'targetSelection',
        'Member must satisfy enum value set: [CONTINUOUS, SNAPSHOT]',
      ),
    );
  }
  if (job.namespaceId !== undefined) checked(job.namespaceId, 'namespaceId', JOB_ID, 64);
  checkDocument(job.document);
  checkSettings(job);
}

/** The settings that UpdateJob can change as well. */
export function checkSettings(settings: {
  readonly description?: string | undefined;
  readonly rollout?: JobExecutionsRolloutConfig | undefined;
  readonly abort?: AbortConfig | undefined;
  readonly timeout?: TimeoutConfig | undefined;
  readonly retry?: JobExecutionsRetryConfig | undefined;
}): void {
  const { description, rollout, abort, timeout, retry } = settings;
  if (description !== undefined) checkText(description, 'description', 2028);
  if (rollout) checkRollout(rollout);
  if (abort) checkAbort(abort);
  const minutes = timeout?.inProgressTimeoutInMinutes;
  if (minutes !== undefined) {
    checkRange(minutes, 'timeoutConfig.inProgressTimeoutInMinutes', 1, LONGEST_TIMEOUT);
  }
  if (retry) checkRetry(retry);
}

export function checkReason({ reasonCode, comment }: { reasonCode?: string; comment?: string }): void {
  if (reasonCode !== undefined) {
    checked(reasonCode, 'reasonCode', REASON_CODE, 128);
  }
  if (comment !== undefined) checkText(comment, 'comment', 2028);
}

/** Why status details are not valid; undefined when they are. */
export function detailsProblem(details: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(details);
  if (entries.length > 10) return 'statusDetails can have at most 10 name/value pairs';
  for (const [name, value] of entries) {
    if (name.length > 128 || !DETAIL_NAME.test(name)) {
      return `The name '${name.slice(0, 200)}' in statusDetails must have 1 to 128 characters of ${DETAIL_NAME.source.slice(1, -2)}`;
    }
    if (value.length < 1 || value.length > 1024) {
      return `The value of '${name}' in statusDetails must have 1 to 1024 characters`;
    }
    if (!TEXT.test(value)) return `The value of '${name}' in statusDetails must not have control characters`;
  }
  return undefined;
}

export function checkDetails(details: Readonly<Record<string, string>> | undefined): void {
  const problem = details && detailsProblem(details);
  if (problem !== undefined) throw invalid(problem);
}

/** @throws InvalidRequestException */
export function checkDocument(document: string): void {
  if (document.length > LARGEST_DOCUMENT) {
    throw invalid(`The job document can have at most ${LARGEST_DOCUMENT} characters.`);
  }
  try {
    JSON.parse(document);
  } catch {
    throw invalid('The job document is not valid JSON.');
  }
}

function checkRollout({ maximumPerMinute, exponentialRate }: JobExecutionsRolloutConfig): void {
  const member = 'jobExecutionsRolloutConfig';
  if (maximumPerMinute !== undefined) {
    checkRange(maximumPerMinute, `${member}.maximumPerMinute`, 1, FASTEST);
  }
  if (!exponentialRate) return;
  const { baseRatePerMinute, incrementFactor, rateIncreaseCriteria } = exponentialRate;
  checkRange(baseRatePerMinute ?? 0, `${member}.exponentialRate.baseRatePerMinute`, 1, FASTEST);
  if (incrementFactor === undefined || incrementFactor < 1.1 || incrementFactor > 5) {
    throw invalid(
      violation(
        incrementFactor,
        `${member}.exponentialRate.incrementFactor`,
        'Member must have value from 1.1 to 5',
      ),
    );
  }
  if (maximumPerMinute !== undefined && maximumPerMinute < (baseRatePerMinute ?? 0)) {
    throw invalid('maximumPerMinute must not be less than baseRatePerMinute.');
  }
  const { numberOfNotifiedThings: notified, numberOfSucceededThings: succeeded } = rateIncreaseCriteria ?? {};
  const threshold = notified ?? succeeded;
  if (threshold === undefined || (notified !== undefined && succeeded !== undefined)) {
    throw invalid('rateIncreaseCriteria must have either numberOfNotifiedThings or numberOfSucceededThings.');
  }
  checkRange(threshold, `${member}.exponentialRate.rateIncreaseCriteria`, 1, Number.MAX_SAFE_INTEGER);
}

function checkAbort({ criteriaList = [] }: AbortConfig): void {
  if (criteriaList.length < 1) {
    throw invalid(
      violation('[]', 'abortConfig.criteriaList', 'Member must have length greater than or equal to 1'),
    );
  }
  for (const {
    failureType,
    action,
    thresholdPercentage = 0,
    minNumberOfExecutedThings = 0,
  } of criteriaList) {
    const member = 'abortConfig.criteriaList';
    if (!ABORT_FAILURES.has(failureType ?? '')) {
      throw invalid(
        violation(
          failureType,
          `${member}.failureType`,
          'Member must satisfy enum value set: [FAILED, REJECTED, TIMED_OUT, ALL]',
        ),
      );
    }
    if (action !== 'CANCEL') {
      throw invalid(violation(action, `${member}.action`, 'Member must satisfy enum value set: [CANCEL]'));
    }
    if (!(thresholdPercentage > 0 && thresholdPercentage <= 100)) {
      throw invalid(
        violation(
          thresholdPercentage,
          `${member}.thresholdPercentage`,
          'Member must have value less than or equal to 100',
        ),
      );
    }
    checkRange(minNumberOfExecutedThings, `${member}.minNumberOfExecutedThings`, 1, Number.MAX_SAFE_INTEGER);
  }
}

const ABORT_FAILURES: ReadonlySet<string> = new Set(['FAILED', 'REJECTED', 'TIMED_OUT', 'ALL']);

function checkRetry({ criteriaList = [] }: JobExecutionsRetryConfig): void {
  const member = 'jobExecutionsRetryConfig.criteriaList';
  if (criteriaList.length < 1 || criteriaList.length > 2) {
    throw invalid(`${member} must have one or two criteria.`);
  }
  for (const { failureType, numberOfRetries = -1 } of criteriaList) {
    if (failureType !== 'FAILED' && failureType !== 'TIMED_OUT' && failureType !== 'ALL') {
      throw invalid(
        violation(
          failureType,
          `${member}.failureType`,
          'Member must satisfy enum value set: [FAILED, TIMED_OUT, ALL]',
        ),
      );
    }
    checkRange(numberOfRetries, `${member}.numberOfRetries`, 0, 10);
  }
  const total = criteriaList.reduce((sum, { numberOfRetries = 0 }) => sum + numberOfRetries, 0);
  if (total > 10) throw invalid('A job execution can be retried at most 10 times.');
}

function checkText(value: string, member: string, longest: number): void {
  if (value.length > longest) {
    throw invalid(violation(value, member, `Member must have length less than or equal to ${longest}`));
  }
  if (value !== '' && !TEXT.test(value)) {
    throw invalid(violation(value, member, 'Member must satisfy regular expression pattern: [^\\p{C}]+'));
  }
}

function checkRange(value: number, member: string, least: number, most: number): void {
  const problem = rangeViolation(value, member, least, most);
  if (problem !== undefined) throw invalid(problem);
}
