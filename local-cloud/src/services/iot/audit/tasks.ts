import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import type { Changes } from '../changes.js';
import { checkEnum, invalid, limitExceeded } from '../errors.js';
import { pageOf } from '../paging.js';
import type { AccountConfiguration } from './configuration.js';
import { type AuditTask, type CheckRun, RETENTION } from './records.js';
import type { AuditRunner } from './runner.js';
import { timeRange } from './time-range.js';

/** AWS IoT Device Defender quota: on-demand audits that are in progress at the same time. */
const MOST_ON_DEMAND = 10;
const PAGE = 25;

/** The operations on audits. */
export function auditTasks(
  runner: AuditRunner,
  configuration: AccountConfiguration,
  changes: Changes,
  clock: Clock,
) {
  const operations = {
    StartOnDemandAuditTask({ targetCheckNames }: sdk.StartOnDemandAuditTaskCommandInput) {
      const checks = configuration.enabled(targetCheckNames);
      return changes.transaction(() => {
        const running = runner
          .tasks()
          .filter(({ type, status }) => type === 'ON_DEMAND_AUDIT_TASK' && status === 'IN_PROGRESS');
        if (running.length >= MOST_ON_DEMAND) {
          throw limitExceeded(`At most ${MOST_ON_DEMAND} on-demand audits can be in progress.`);
        }
        return { taskId: runner.begin(checks, undefined) };
      });
    },

    DescribeAuditTask({ taskId }: sdk.DescribeAuditTaskCommandInput) {
      const task = runner.existing(taskId);
      return {
        taskStatus: task.status,
        taskType: task.type,
        taskStartTime: new Date(task.started),
        taskStatistics: statistics(task),
        ...(task.scheduledAuditName !== undefined && { scheduledAuditName: task.scheduledAuditName }),
        auditDetails: Object.fromEntries(task.checks.map((run) => [run.name, details(run)])),
      };
    },

    ListAuditTasks(input: sdk.ListAuditTasksCommandInput) {
      const { start, end } = timeRange(input.startTime, input.endTime, clock.now() - RETENTION);
      checkEnum(input.taskType, 'taskType', ['ON_DEMAND_AUDIT_TASK', 'SCHEDULED_AUDIT_TASK']);
      checkEnum(input.taskStatus, 'taskStatus', ['IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELED']);
      const all = runner
        .tasks()
        .filter(({ started }) => started >= start && started <= end)
        .filter(({ type }) => input.taskType === undefined || type === input.taskType)
        .filter(({ status }) => input.taskStatus === undefined || status === input.taskStatus);
      const { items, next } = pageOf(all, ({ taskId }) => taskId, input.nextToken, input.maxResults ?? PAGE);
      return {
        tasks: items.map(({ taskId, status, type }) => ({ taskId, taskStatus: status, taskType: type })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    CancelAuditTask({ taskId }: sdk.CancelAuditTaskCommandInput) {
      return changes.transaction(() => {
        const task = runner.existing(taskId);
        if (task.status !== 'IN_PROGRESS') {
          throw invalid(`Audit task ${taskId} is not in progress: it is ${task.status}.`);
        }
        runner.cancel(task);
        return {};
      });
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

function statistics({ checks }: AuditTask): sdk.TaskStatistics {
  const count = (status: CheckRun['status']) => checks.filter((run) => run.status === status).length;
  return {
    totalChecks: checks.length,
    inProgressChecks: count('IN_PROGRESS'),
    waitingForDataCollectionChecks: 0,
    compliantChecks: count('COMPLETED_COMPLIANT'),
    nonCompliantChecks: count('COMPLETED_NON_COMPLIANT'),
    failedChecks: count('FAILED'),
    canceledChecks: count('CANCELED'),
  };
}

function details(run: CheckRun): sdk.AuditCheckDetails {
  const done = run.status === 'COMPLETED_COMPLIANT' || run.status === 'COMPLETED_NON_COMPLIANT';
  return {
    checkRunStatus: run.status,
    ...(done && { checkCompliant: run.status === 'COMPLETED_COMPLIANT' }),
    totalResourcesCount: run.total,
    nonCompliantResourcesCount: run.nonCompliant,
    suppressedNonCompliantResourcesCount: run.suppressed,
    ...(run.errorCode !== undefined && { errorCode: run.errorCode }),
    ...(run.message !== undefined && { message: run.message }),
  };
}
