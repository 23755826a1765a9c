import type { AuditTask } from './records.js';

/**
 * What is published when an audit has ended (AWS IoT Device Defender developer guide, "Notifications": the schema
 * `auditnotification/1.0`).
 */
export function auditNotification(task: AuditTask, accountId: string) {
  const count = (...statuses: string[]) =>
    task.checks.filter(({ status }) => statuses.includes(status)).length;
  return {
    accountId,
    taskId: task.taskId,
    taskStatus: task.status,
    taskType: task.type,
    ...(task.scheduledAuditName !== undefined && { scheduledAuditName: task.scheduledAuditName }),
    failedChecksCount: count('FAILED'),
    canceledChecksCount: count('CANCELED'),
    nonCompliantChecksCount: count('COMPLETED_NON_COMPLIANT'),
    compliantChecksCount: count('COMPLETED_COMPLIANT'),
    totalChecksCount: task.checks.length,
    taskStartTime: task.started,
    auditDetails: task.checks.map((run) => ({
      checkName: run.name,
      checkRunStatus: run.status,
      nonCompliantResourcesCount: run.nonCompliant,
      totalResourcesCount: run.total,
      suppressedNonCompliantResourcesCount: run.suppressed,
      ...(run.message !== undefined && { message: run.message }),
      ...(run.errorCode !== undefined && { errorCode: run.errorCode }),
    })),
  };
}
