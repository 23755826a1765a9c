import * as sdk from '@aws-sdk/client-greengrassv2';
import type { IotArns } from '../../iot/arns.js';
import type { ExecutionRecord, JobEngine } from '../../iot/jobs/engine.js';
import { DEPLOYMENT_NAMESPACE } from './delivery.js';
import type { DeploymentRecord, DeploymentStore, DeviceResult } from './deployment-store.js';

/**
 * What core devices were sent and how it went: for every target that a device belongs to, the newest deployment that
 * came to the device, the newest first.
 */
export function effectiveDeployments(
  deployments: DeploymentStore,
  jobs: JobEngine,
  iotArns: IotArns,
): (thingName: string) => sdk.EffectiveDeployment[] {
  return (thingName) => {
    const found = new Map<string, { record: DeploymentRecord; described: sdk.EffectiveDeployment }>();
    const add = (record: DeploymentRecord, described: sdk.EffectiveDeployment) => {
      const target = `${record.targetArn} ${record.parentTargetArn ?? ''}`;
      const other = found.get(target);
      if (!other || other.record.sequence < record.sequence) found.set(target, { record, described });
    };
    for (const execution of jobs.executionsOf(thingName)) {
      if (execution.namespaceId !== DEPLOYMENT_NAMESPACE) continue;
      const record = deployments.find(execution.jobId);
      const status = EXECUTION_STATUSES.find((known) => known === execution.status);
      if (!record || !status) continue;
      const result = deployments.result(thingName, record.deploymentId);
      add(record, {
        ...common(record),
        iotJobId: execution.jobId,
        iotJobArn: iotArns.of(`job/${execution.jobId}`),
        coreDeviceExecutionStatus: status,
        modifiedTimestamp: new Date(Math.max(execution.updatedAt, record.created)),
        ...ofExecution(execution, result?.status === status ? result : undefined),
      });
    }
    const own = deployments.latest(iotArns.thing(thingName), undefined);
    if (own) {
      const result = deployments.result(thingName, own.deploymentId);
      add(own, {
        ...common(own),
        coreDeviceExecutionStatus: shadowStatus(own, result),
        modifiedTimestamp: new Date(result?.modified ?? own.created),
        ...(result && reasonAndDetails(result)),
      });
    }
    return [...found.values()]
      .sort((a, b) => b.record.sequence - a.record.sequence)
      .map(({ described }) => described);
  };
}

const EXECUTION_STATUSES = Object.values(sdk.EffectiveDeploymentExecutionStatus);

const common = (record: DeploymentRecord) => ({
  deploymentId: record.deploymentId,
  deploymentName: record.deploymentName ?? '',
  targetArn: record.targetArn,
  creationTimestamp: new Date(record.created),
});

/** Of a deployment to a thing: what its shadow says, in the words of this operation. */
function shadowStatus(
  { canceled }: DeploymentRecord,
  result: DeviceResult | undefined,
): sdk.EffectiveDeploymentExecutionStatus {
  if (result?.status === 'SUCCEEDED') return 'COMPLETED';
  const known = EXECUTION_STATUSES.find((status) => status === result?.status);
  return known ?? (canceled ? 'CANCELED' : 'QUEUED');
}

/** Details of a job's execution: its own, whose values are cut at 1,024 characters, or those of fleet status. */
function ofExecution(
  { statusDetails = {} }: ExecutionRecord,
  told: DeviceResult | undefined,
): Pick<sdk.EffectiveDeployment, 'reason' | 'statusDetails'> {
  const stack = textList(statusDetails['deployment-error-stack']);
  const types = textList(statusDetails['deployment-error-types']);
  return reasonAndDetails({
    detailedStatus: statusDetails['detailed-deployment-status'] ?? told?.detailedStatus,
    failureCause: statusDetails['deployment-failure-cause'] ?? told?.failureCause,
    errorStack: told && told.errorStack.length > 0 ? told.errorStack : stack,
    errorTypes: told && told.errorTypes.length > 0 ? told.errorTypes : types,
  });
}

function reasonAndDetails(
  result: Pick<DeviceResult, 'detailedStatus' | 'failureCause' | 'errorStack' | 'errorTypes'>,
): Pick<sdk.EffectiveDeployment, 'reason' | 'statusDetails'> {
  const { detailedStatus, failureCause, errorStack, errorTypes } = result;
  const reason = [detailedStatus, failureCause]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
  return {
    ...(reason !== '' && { reason }),
    ...((errorStack.length > 0 || errorTypes.length > 0) && {
      statusDetails: { errorStack: [...errorStack], errorTypes: [...errorTypes] },
    }),
  };
}

/** A list that a device wrote as JSON text, perhaps cut short. */
function textList(text: string | undefined): string[] {
  if (text === undefined || text === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.map(String);
  } catch {}
  return [text];
}
