import {
  DescribeComponentCommand,
  GetDeploymentCommand,
  type GetDeploymentResponse,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import {
  DescribeJobCommand,
  type IoTClient,
  type JobProcessDetails,
  paginateListJobExecutionsForJob,
} from '@aws-sdk/client-iot';
import { componentTags, type DeploymentDetails } from '@mooring/contracts';
import { RequestProblem } from '../api/problem.js';
import { brokenVersions } from '../devices/broken-versions.js';
import { failureReason } from '../devices/failure-reason.js';
import { unlessGone } from '../devices/unless-gone.js';
import { inParallel } from '../in-parallel.js';
import { type Execution, executionOf, FAILED, wavesOf } from './waves.js';

/** What the details of a deployment are read with. */
export interface DeploymentPorts {
  readonly greengrass: GreengrassV2Client;
  readonly iot: IoTClient;
  /** The ARN of a component version of this account. */
  readonly componentArn: (name: string, version: string) => string;
}

/** Devices of a job that are read: 40 pages of AWS IoT. */
const MOST_EXECUTIONS = 10_000;
/** Devices that are asked why they failed; unhealthy devices that are asked what is broken. */
const MOST_REASONS = 20;
const MOST_UNHEALTHY = 50;
const CONCURRENCY = 5;

/**
 * A deployment, how it went out, and what failed of it. Of a fleet with more devices than can be read in a request, the
 * waves are those of the ones that were.
 */
export async function deploymentDetails(
  deploymentId: string,
  ports: DeploymentPorts,
  signal: AbortSignal,
): Promise<DeploymentDetails> {
  const { greengrass, iot } = ports;
  const deployment = await unlessGone(
    greengrass.send(new GetDeploymentCommand({ deploymentId }), { abortSignal: signal }),
  );
  if (deployment === undefined) {
    throw new RequestProblem(
      404,
      'NoSuchDeployment',
      `there is no deployment ${JSON.stringify(deploymentId)}`,
    );
  }
  const jobId = deployment.iotJobId;
  const [components, broken, counts, executions] = await Promise.all([
    componentsOf(deployment, ports, signal),
    brokenIn(deployment, greengrass, signal),
    jobId === undefined ? {} : jobCounts(iot, jobId, signal),
    jobId === undefined ? [] : jobExecutions(iot, jobId, signal),
  ]);
  return {
    deploymentId,
    revision: deployment.revisionId ?? '',
    name: deployment.deploymentName,
    status: deployment.deploymentStatus ?? 'UNKNOWN',
    created: deployment.creationTimestamp?.getTime(),
    latest: deployment.isLatestForTarget ?? false,
    components,
    rollout: rolloutOf(deployment),
    devices: counts,
    waves: wavesOf(executions),
    failures: jobId === undefined ? [] : await failuresOf(executions, iot, jobId, signal),
    broken,
  };
}

/** The pace, and when it stops (AWS IoT developer guide, "Job configurations"). */
function rolloutOf({ iotJobConfiguration }: GetDeploymentResponse): DeploymentDetails['rollout'] {
  const { jobExecutionsRolloutConfig: rollout, abortConfig } = iotJobConfiguration ?? {};
  const { exponentialRate, maximumPerMinute } = rollout ?? {};
  const thresholds = (abortConfig?.criteriaList ?? []).flatMap((one) => one.thresholdPercentage ?? []);
  return {
    // Without an exponential rate it is even.
    perMinute: exponentialRate === undefined ? maximumPerMinute : exponentialRate.baseRatePerMinute,
    baseRatePerMinute: exponentialRate?.baseRatePerMinute,
    incrementFactor: exponentialRate?.incrementFactor,
    maximumPerMinute,
    abortThreshold: thresholds.length === 0 ? undefined : Math.min(...thresholds),
  };
}

async function componentsOf(
  { components = {} }: GetDeploymentResponse,
  { greengrass, componentArn }: DeploymentPorts,
  abortSignal: AbortSignal,
): Promise<DeploymentDetails['components']> {
  return inParallel(
    Object.entries(components),
    CONCURRENCY,
    async ([name, { componentVersion: version = '' }]) => {
      // AWS's own components are not marked, and not this account's.
      if (name.startsWith('aws.')) return { name, version };
      const arn = componentArn(name, version);
      const described = await unlessGone(
        greengrass.send(new DescribeComponentCommand({ arn }), { abortSignal }),
      );
      return { name, version, heldBack: described?.tags?.[componentTags.broken] !== undefined };
    },
  );
}

async function brokenIn(
  { components = {} }: GetDeploymentResponse,
  greengrass: GreengrassV2Client,
  abortSignal: AbortSignal,
): Promise<DeploymentDetails['broken']> {
  const found = await brokenVersions(greengrass, undefined, { most: MOST_UNHEALTHY, abortSignal });
  return found
    .filter(({ name, version }) => components[name]?.componentVersion === version)
    .map(({ name, version, devices }) => ({
      name,
      version,
      things: devices.map(({ thing }) => thing),
      reason: devices.find(({ reason }) => reason !== undefined)?.reason,
    }));
}

/** Names of the counts, and those of AWS IoT. */
const COUNTS: Readonly<Record<string, keyof JobProcessDetails>> = {
  queued: 'numberOfQueuedThings',
  inProgress: 'numberOfInProgressThings',
  succeeded: 'numberOfSucceededThings',
  failed: 'numberOfFailedThings',
  rejected: 'numberOfRejectedThings',
  timedOut: 'numberOfTimedOutThings',
  canceled: 'numberOfCanceledThings',
  removed: 'numberOfRemovedThings',
};

/** How many devices are where, without those where there are none; nothing when the job was deleted long ago. */
async function jobCounts(
  iot: IoTClient,
  jobId: string,
  abortSignal: AbortSignal,
): Promise<Record<string, number>> {
  const answer = await unlessGone(iot.send(new DescribeJobCommand({ jobId }), { abortSignal }));
  const details = answer?.job?.jobProcessDetails ?? {};
  const counts = Object.entries(COUNTS).map(([name, member]): [string, number] => [
    name,
    Number(details[member] ?? 0),
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

async function jobExecutions(iot: IoTClient, jobId: string, abortSignal: AbortSignal): Promise<Execution[]> {
  const executions: Execution[] = [];
  const pages = paginateListJobExecutionsForJob({ client: iot, pageSize: 250 }, { jobId }, { abortSignal });
  const read = async () => {
    for await (const { executionSummaries = [] } of pages) {
      executions.push(...executionSummaries.map(executionOf));
      if (executions.length >= MOST_EXECUTIONS) break;
    }
  };
  await unlessGone(read());
  return executions;
}

/** Devices on which it failed, the latest first; of many only the first are asked for their reason. */
async function failuresOf(
  executions: readonly Execution[],
  iot: IoTClient,
  jobId: string,
  abortSignal: AbortSignal,
): Promise<DeploymentDetails['failures']> {
  const failed = executions
    .filter(({ status }) => FAILED.has(status))
    .sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0));
  const reasons = await inParallel(failed.slice(0, MOST_REASONS), CONCURRENCY, ({ thing }) =>
    unlessGone(failureReason(iot, jobId, thing, { abortSignal })),
  );
  return failed.map(({ thing, status, updatedAt }, index) => ({
    thing,
    status,
    reason: reasons[index],
    at: updatedAt,
  }));
}
