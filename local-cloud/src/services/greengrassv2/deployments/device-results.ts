import { z } from 'zod';
import type { Clock } from '../../../clock.js';
import type { JobChange, JobEngine } from '../../iot/jobs/engine.js';
import type { ShadowUpdate } from '../../iot/shadows/shadows.js';
import { DEPLOYMENT_SHADOW } from './delivery.js';
import type { DeploymentStore, DeviceResult } from './deployment-store.js';

const details = z
  .object({
    detailedStatus: z.string().optional().catch(undefined),
    failureCause: z.string().optional().catch(undefined),
    errorStack: z.array(z.string()).catch([]),
    errorTypes: z.array(z.string()).catch([]),
  })
  .catch({ errorStack: [], errorTypes: [] });

/** The reported section of a core device's deployment shadow. */
const reportedSchema = z.object({
  fleetConfigurationArnForStatus: z.string(),
  status: z.string(),
  statusDetails: details,
});

/** What a fleet status message says of the deployment that it was sent for. */
export const deploymentInformationSchema = z.object({
  status: z.string(),
  statusDetails: details,
  fleetConfigurationArnForStatus: z.string().nullish(),
  deploymentId: z.string().nullish(),
});

export type DeploymentInformation = z.output<typeof deploymentInformationSchema>;

/** Takes in what a core device's shadow says of the deployment to it. */
export function recordShadow(deployments: DeploymentStore, clock: Clock, update: ShadowUpdate): void {
  if (update.shadowName !== DEPLOYMENT_SHADOW) return;
  const reported = reportedSchema.safeParse(update.document.state.reported).data;
  if (!reported) return;
  const record = deployments.find(reported.fleetConfigurationArnForStatus);
  if (record?.target.type !== 'thing' || record.target.name !== update.thingName) return;
  const before = deployments.result(update.thingName, record.deploymentId);
  const result = resultOf(reported, clock.now());
  // The desired section alone may have changed.
  if (before && JSON.stringify({ ...before, modified: 0 }) === JSON.stringify({ ...result, modified: 0 }))
    return;
  deployments.putResult(update.thingName, record.deploymentId, result);
}

/** Takes in how the job of a deployment to a group went on a device. */
export function recordExecution(
  deployments: DeploymentStore,
  jobs: JobEngine,
  { jobId, thingName }: JobChange,
): void {
  if (thingName === undefined) return;
  const record = deployments.find(jobId);
  if (!record || deployments.hasReached(record.targetArn, thingName)) return;
  for (const execution of jobs.executionsOf(thingName)) {
    if (execution.jobId !== jobId || execution.status !== 'SUCCEEDED') continue;
    deployments.reach(record.targetArn, thingName);
    return;
  }
}

/** Takes in what a fleet status message says of a deployment; says nothing new of those that the shadow told of. */
export function recordInformation(
  deployments: DeploymentStore,
  thingName: string,
  information: DeploymentInformation,
  at: number,
): void {
  const { fleetConfigurationArnForStatus: arn, deploymentId } = information;
  const record = deployments.find(arn ?? '') ?? deployments.find(deploymentId ?? '');
  if (!record || (record.target.type === 'thing' && record.target.name !== thingName)) return;
  deployments.putResult(thingName, record.deploymentId, resultOf(information, at));
}

function resultOf(
  { status, statusDetails }: Pick<DeploymentInformation, 'status' | 'statusDetails'>,
  modified: number,
): DeviceResult {
  const { detailedStatus, failureCause, errorStack, errorTypes } = statusDetails;
  return {
    status,
    ...(detailedStatus !== undefined && { detailedStatus }),
    ...(failureCause !== undefined && failureCause !== '' && { failureCause }),
    errorStack,
    errorTypes,
    modified,
  };
}
