import {
  CancelDeploymentCommand,
  GreengrassV2Client,
  paginateListDeployments,
} from '@aws-sdk/client-greengrassv2';
import {
  DetachPolicyCommand,
  IoTClient,
  paginateListTargetsForPolicy,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names } from '@mooring/contracts';
import { inParallel } from '@mooring/functions/in-parallel';
import { fleetGroupArn } from '../fleet/things.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { emptyBucket } from './empty-bucket.js';

/** Certificates that are detached from their policy at once. */
const AT_ONCE = 8;

/**
 * Frees the infrastructure of what would keep it from being deleted, and is not part of its program: the rollout to
 * the fleet ends, certificates lose their policies (and the devices their access with them), buckets are emptied.
 * Devices, certificates and components themselves stay. Safe to repeat.
 */
export async function releaseInfrastructure(target: Target, tell: (line: string) => void): Promise<void> {
  const config = { ...clientConfig(target), retryMode: 'adaptive', maxAttempts: 12 };
  const iot = new IoTClient(config);
  const greengrass = new GreengrassV2Client(config);
  const s3 = new S3Client(clientConfig(target));
  try {
    const account = await accountOf(target);
    await endRollouts(greengrass, fleetGroupArn(target, account));
    for (const policyName of [names.devicePolicy, names.claimPolicy, names.dashboardPolicy]) {
      const detached = await detachEverywhere(iot, policyName);
      const whose = policyName === names.dashboardPolicy ? 'visitors of the dashboard' : 'certificates';
      if (detached > 0) tell(`${policyName} taken from ${detached} ${whose}`);
    }
    const buckets = bucketNames(account, target.region);
    for (const bucket of [buckets.provisioning, buckets.artifacts, buckets.images, buckets.dashboard]) {
      const deleted = await emptyBucket(s3, bucket);
      if (deleted > 0) tell(`${bucket} emptied of ${deleted} objects`);
    }
  } finally {
    for (const client of [iot, greengrass, s3]) client.destroy();
  }
}

async function endRollouts(greengrass: GreengrassV2Client, targetArn: string): Promise<void> {
  const pages = paginateListDeployments({ client: greengrass }, { targetArn, historyFilter: 'LATEST_ONLY' });
  for await (const { deployments = [] } of pages) {
    for (const { deploymentId, deploymentStatus } of deployments) {
      if (deploymentStatus === 'ACTIVE') await greengrass.send(new CancelDeploymentCommand({ deploymentId }));
    }
  }
}

/** @returns from how many certificates or identities. */
async function detachEverywhere(iot: IoTClient, policyName: string): Promise<number> {
  const targets: string[] = [];
  try {
    // Read to its end first: detaching would shift the pages.
    for await (const page of paginateListTargetsForPolicy({ client: iot, pageSize: 250 }, { policyName })) {
      targets.push(...(page.targets ?? []));
    }
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return 0;
    throw error;
  }
  await inParallel(targets, AT_ONCE, (target) => iot.send(new DetachPolicyCommand({ policyName, target })));
  return targets.length;
}
