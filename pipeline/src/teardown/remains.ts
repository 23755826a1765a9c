import {
  DeleteComponentCommand,
  DeleteDeploymentCommand,
  GreengrassV2Client,
  paginateListDeployments,
} from '@aws-sdk/client-greengrassv2';
import { IoTClient, paginateListThings } from '@aws-sdk/client-iot';
import { DeleteBucketCommand, NoSuchBucket, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, componentNames, names } from '@mooring/contracts';
import { removeDevice } from '@mooring/functions/devices';
import { inParallel } from '@mooring/functions/in-parallel';
import { removeAccess } from '../bootstrap/access.js';
import { Catalogue } from '../components/catalogue.js';
import { fleetGroupArn } from '../fleet/things.js';
import { fleetClients } from '../fleet-sync/clients.js';
import { withClaims } from '../provisioning/provision.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { emptyBucket } from './empty-bucket.js';

/** Devices that are removed at once. */
const AT_ONCE = 8;

/**
 * Deletes what a destroyed infrastructure leaves on purpose: devices with their certificates, claim certificates,
 * component versions and deployments, the access of the pipeline, and at last the bootstrap bucket, with the state of it
 * all. Safe to repeat.
 */
export async function deleteRemains(target: Target, tell: (line: string) => void): Promise<void> {
  const devices = await removeDevices(target);
  if (devices > 0) tell(`${devices} devices removed, with their certificates`);
  const claims = await withClaims(target, (of) => of.claims.withdrawAll());
  if (claims.length > 0) tell(`${claims.length} claim certificates withdrawn`);
  const { versions, deployments } = await removeComponents(target);
  if (versions + deployments > 0)
    tell(`${versions} component versions and ${deployments} deployments deleted`);
  const { result } = await removeAccess(target);
  if (result.deleted > 0) tell(`${result.deleted} resources of the pipeline's access deleted`);
  const s3 = new S3Client(clientConfig(target));
  try {
    const { bootstrap } = bucketNames(await accountOf(target), target.region);
    await emptyBucket(s3, bootstrap);
    await s3.send(new DeleteBucketCommand({ Bucket: bootstrap }));
    tell(`${bootstrap} deleted`);
  } catch (error) {
    if (!(error instanceof NoSuchBucket)) throw error;
  } finally {
    s3.destroy();
  }
}

async function removeDevices(target: Target): Promise<number> {
  const clients = await fleetClients(target);
  const iot = new IoTClient(clientConfig(target));
  try {
    const things: string[] = [];
    const pages = paginateListThings(
      { client: iot, pageSize: 250 },
      { attributeName: names.fleetAttribute, attributeValue: names.thingGroup },
    );
    for await (const page of pages)
      things.push(...(page.things ?? []).map(({ thingName = '' }) => thingName));
    await inParallel(things, AT_ONCE, (thing) => removeDevice(clients, thing));
    return things.length;
  } finally {
    clients.close();
    iot.destroy();
  }
}

async function removeComponents(target: Target): Promise<{ versions: number; deployments: number }> {
  const greengrass = new GreengrassV2Client(clientConfig(target));
  try {
    const account = await accountOf(target);
    let deployments = 0;
    const pages = paginateListDeployments(
      { client: greengrass },
      { targetArn: fleetGroupArn(target, account), historyFilter: 'ALL' },
    );
    for await (const page of pages) {
      for (const { deploymentId } of page.deployments ?? []) {
        await greengrass.send(new DeleteDeploymentCommand({ deploymentId }));
        deployments += 1;
      }
    }
    const catalogue = new Catalogue(greengrass, target, account);
    let versions = 0;
    for (const name of Object.values(componentNames)) {
      for (const version of await catalogue.ownVersions(name)) {
        await greengrass.send(new DeleteComponentCommand({ arn: catalogue.arn(name, version) }));
        versions += 1;
      }
    }
    return { versions, deployments };
  } finally {
    greengrass.destroy();
  }
}
