import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IoTClient } from '@aws-sdk/client-iot';
import { Catalogue } from '../components/catalogue.js';
import { listComponents } from '../components/list.js';
import { deploymentInForce } from '../rollout/deployment.js';
import { rolloutCounts } from '../rollout/executions.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { type DeviceStatus, fleetStatus } from './status.js';
import { fleetGroupArn } from './things.js';

/** The fleet as a whole: its devices, what they are to run, and what does not run. */
export interface FleetOverview {
  readonly devices: readonly DeviceStatus[];
  readonly deployment: DeploymentStatus | undefined;
  readonly broken: readonly BrokenStatus[];
}

/** The deployment in force. */
export interface DeploymentStatus {
  readonly deploymentId: string;
  readonly revision: string;
  /** `ACTIVE`, or `CANCELED` when its rollout was stopped. */
  readonly status: string;
  /** ISO 8601. */
  readonly created: string | undefined;
  /** Component to version. */
  readonly components: Readonly<Record<string, string>>;
  /** How many devices are where with it, such as `succeeded`. */
  readonly devices: Readonly<Record<string, number>>;
}

/** A component version that does not run. */
export interface BrokenStatus {
  readonly name: string;
  readonly version: string;
  /** Things that report it as BROKEN now; none when it was taken back. */
  readonly devices: readonly string[];
  /** Since when, on the device that was first; ISO 8601. */
  readonly since: string | undefined;
  readonly reason: string | undefined;
  /** Whether it is not deployed any more. */
  readonly heldBack: boolean;
}

/** Looks at the whole fleet. */
export async function fleetOverview(target: Target): Promise<FleetOverview> {
  const greengrass = new GreengrassV2Client(clientConfig(target));
  const iot = new IoTClient(clientConfig(target));
  try {
    const account = await accountOf(target);
    const catalogue = new Catalogue(greengrass, target, account);
    // First the devices: without a fleet there is nothing else to tell.
    const devices = await fleetStatus(target);
    const [deployment, components] = await Promise.all([
      deploymentStatus(greengrass, iot, fleetGroupArn(target, account)),
      listComponents(target),
    ]);
    const reported = await Promise.all(
      brokenOnDevices(devices).map(async (broken) => {
        const version = await catalogue.describe(broken.name, broken.version);
        return { ...broken, heldBack: version?.broken !== undefined };
      }),
    );
    const gone = components
      .flatMap(({ name, heldBack }) => heldBack.map((version) => ({ name, version })))
      .filter(({ name, version }) => !reported.some((one) => one.name === name && one.version === version));
    const taken = await Promise.all(
      gone.map(async ({ name, version }): Promise<BrokenStatus> => {
        const since = (await catalogue.describe(name, version))?.broken?.since;
        return { name, version, devices: [], since: since || undefined, reason: undefined, heldBack: true };
      }),
    );
    return { devices, deployment, broken: [...reported, ...taken].sort(byName) };
  } finally {
    greengrass.destroy();
    iot.destroy();
  }
}

async function deploymentStatus(
  greengrass: GreengrassV2Client,
  iot: IoTClient,
  groupArn: string,
): Promise<DeploymentStatus | undefined> {
  const revision = await deploymentInForce(greengrass, groupArn);
  if (revision === undefined) return undefined;
  const { components, jobId, ...rest } = revision;
  return {
    ...rest,
    components: Object.fromEntries(Object.entries(components).map(([name, { version }]) => [name, version])),
    devices: await rolloutCounts(iot, jobId),
  };
}

/** What the devices report as BROKEN, by version. */
export function brokenOnDevices(devices: readonly DeviceStatus[]): Omit<BrokenStatus, 'heldBack'>[] {
  const found = new Map<string, Omit<BrokenStatus, 'heldBack'>>();
  for (const { thing, components } of devices) {
    for (const { name, version, state, since, reason } of components) {
      if (state !== 'BROKEN') continue;
      const before = found.get(`${name} ${version}`);
      found.set(`${name} ${version}`, {
        name,
        version,
        devices: [...(before?.devices ?? []), thing],
        since: [before?.since, since].filter((time) => time !== undefined).sort()[0],
        reason: before?.reason ?? reason,
      });
    }
  }
  return [...found.values()];
}

function byName(a: BrokenStatus, b: BrokenStatus): number {
  return `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1;
}
