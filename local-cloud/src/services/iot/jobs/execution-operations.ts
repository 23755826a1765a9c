import * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import type { IotArns } from '../arns.js';
import { checkEnum, checked, invalid, notFound, REGISTRY_NAME } from '../errors.js';
import { page } from '../paging.js';
import { secondsLeft } from './descriptions.js';
import { checkDetails, invalidTransition } from './errors.js';
import type { Jobs } from './jobs.js';
import type { ExecutionRecord } from './records.js';

const STATUSES = Object.values(sdk.JobExecutionStatus);

/** The operations of the control plane on executions of jobs. */
export function executionOperations(jobs: Jobs, arns: IotArns, clock: Clock) {
  const summaryOf = (execution: ExecutionRecord) => ({
    status: execution.status,
    queuedAt: new Date(execution.queuedAt),
    ...(execution.startedAt !== undefined && { startedAt: new Date(execution.startedAt) }),
    lastUpdatedAt: new Date(execution.updatedAt),
    executionNumber: execution.executionNumber,
    retryAttempt: execution.retryAttempt,
  });

  const nameOf = (thingName: string | undefined) => checked(thingName, 'thingName', REGISTRY_NAME, 128);

  const operations = {
    DescribeJobExecution({ jobId, thingName, executionNumber }: sdk.DescribeJobExecutionCommandInput) {
      const job = jobs.store.existing(jobId);
      const execution = jobs.execution(job.jobId, nameOf(thingName), executionNumber);
      const left = secondsLeft(execution, clock.now());
      const { retryAttempt: _, ...summary } = summaryOf(execution);
      return {
        execution: {
          jobId: execution.jobId,
          ...summary,
          ...(execution.forceCanceled && { forceCanceled: true }),
          statusDetails: { detailsMap: { ...execution.statusDetails } },
          thingArn: arns.thing(execution.thingName),
          versionNumber: execution.version,
          ...(left !== undefined && { approximateSecondsBeforeTimedOut: left }),
        },
      };
    },

    ListJobExecutionsForJob(input: sdk.ListJobExecutionsForJobCommandInput) {
      checkEnum(input.status, 'status', STATUSES);
      const { jobId } = jobs.store.existing(input.jobId);
      function* listFrom(after: string | undefined) {
        for (const execution of jobs.all.ofJob(jobId, after)) {
          if (input.status === undefined || execution.status === input.status) yield execution;
        }
      }
      const { items, next } = page(listFrom, ({ thingName }) => thingName, input.nextToken, input.maxResults);
      return {
        executionSummaries: items.map((execution) => ({
          thingArn: arns.thing(execution.thingName),
          jobExecutionSummary: summaryOf(execution),
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    ListJobExecutionsForThing(input: sdk.ListJobExecutionsForThingCommandInput) {
      const thingName = nameOf(input.thingName);
      const { status, namespaceId, jobId } = input;
      checkEnum(status, 'status', STATUSES);
      function* listFrom(after: string | undefined) {
        for (const execution of jobs.all.ofThing(thingName, after)) {
          const fits =
            (status === undefined || execution.status === status) &&
            (namespaceId === undefined || execution.namespaceId === namespaceId) &&
            (jobId === undefined || execution.jobId === jobId);
          if (fits) yield execution;
        }
      }
      const first = listFrom(undefined).next();
      if (first.done && !jobs.targets.exists(thingName)) {
        throw notFound(`Thing ${thingName} cannot be found.`);
      }
      const { items, next } = page(listFrom, (one) => one.jobId, input.nextToken, input.maxResults);
      return {
        executionSummaries: items.map((execution) => ({
          jobId: execution.jobId,
          jobExecutionSummary: summaryOf(execution),
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    CancelJobExecution(input: sdk.CancelJobExecutionCommandInput) {
      checkDetails(input.statusDetails);
      return jobs.run(() => {
        const job = jobs.store.existing(input.jobId);
        const execution = jobs.execution(job.jobId, nameOf(input.thingName));
        const { expectedVersion, force = false, statusDetails } = input;
        if (expectedVersion !== undefined && expectedVersion !== execution.version) {
          throw new sdk.VersionConflictException({
            message: `Expected version ${expectedVersion} but found version ${execution.version}.`,
            $metadata: {},
          });
        }
        const { status } = execution;
        if (jobs.isTerminal(execution) || (status === 'IN_PROGRESS' && !force)) {
          throw invalidTransition(
            `The execution of job ${job.jobId} on thing ${execution.thingName} is ${status}; ${
              status === 'IN_PROGRESS' ? 'it can be canceled with force only.' : 'it cannot be canceled.'
            }`,
          );
        }
        jobs.progress.end(job, execution, 'CANCELED', clock.now(), {
          ...(statusDetails && { statusDetails }),
          ...(force && { forceCanceled: true }),
        });
        return {};
      });
    },

    DeleteJobExecution(input: sdk.DeleteJobExecutionCommandInput) {
      return jobs.run(() => {
        const { executionNumber, force = false, namespaceId } = input;
        if (executionNumber === undefined) throw invalid('executionNumber must be given.');
        const job = jobs.store.existing(input.jobId);
        const execution = jobs.execution(job.jobId, nameOf(input.thingName), executionNumber);
        if (namespaceId !== undefined && execution.namespaceId !== namespaceId) {
          throw notFound(`Job execution of job ${job.jobId} cannot be found.`);
        }
        if (!jobs.isTerminal(execution) && !force) {
          throw invalidTransition(
            `The execution of job ${job.jobId} on thing ${execution.thingName} is ${execution.status}; it can be deleted with force only.`,
          );
        }
        jobs.progress.remove(execution);
        return {};
      });
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}
