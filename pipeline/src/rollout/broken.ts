import {
  type GreengrassV2Client,
  paginateListCoreDevices,
  paginateListInstalledComponents,
  ResourceNotFoundException,
  TagResourceCommand,
} from '@aws-sdk/client-greengrassv2';
import { componentTags } from '@mooring/contracts';
import { type ComponentVersion, markText } from '../components/catalogue.js';
import { inParallel } from '../in-parallel.js';

/** A device on which a component is broken. */
export interface BrokenOn {
  readonly thing: string;
  /** ISO 8601. */
  readonly since: string | undefined;
  /** What the device says about it, if anything. */
  readonly reason: string | undefined;
}

/** A component version that devices report as BROKEN: they have given up starting it. */
export interface BrokenVersion {
  readonly name: string;
  readonly version: string;
  readonly devices: readonly BrokenOn[];
}

/** Devices that are asked at a time. */
const CONCURRENCY = 8;

/** What is broken on the devices of a fleet, as they reported it; healthy devices are not asked. */
export async function brokenVersions(
  greengrass: GreengrassV2Client,
  fleet: readonly string[],
): Promise<BrokenVersion[]> {
  const things: string[] = [];
  const members = new Set(fleet);
  // Not listed by group: AWS then leaves out devices that no deployment has succeeded on yet.
  const pages = paginateListCoreDevices({ client: greengrass, pageSize: 100 }, { status: 'UNHEALTHY' });
  for await (const page of pages) {
    for (const { coreDeviceThingName } of page.coreDevices ?? []) {
      if (coreDeviceThingName !== undefined && members.has(coreDeviceThingName)) {
        things.push(coreDeviceThingName);
      }
    }
  }
  const found = new Map<string, { name: string; version: string; devices: BrokenOn[] }>();
  const reports = await inParallel(things, CONCURRENCY, (thing) => brokenOn(greengrass, thing));
  for (const { name, version, device } of reports.flat()) {
    const key = `${name} ${version}`;
    const broken = found.get(key) ?? { name, version, devices: [] };
    broken.devices.push(device);
    found.set(key, broken);
  }
  return [...found.keys()].sort().flatMap((key) => found.get(key) ?? []);
}

async function brokenOn(
  greengrass: GreengrassV2Client,
  thing: string,
): Promise<{ name: string; version: string; device: BrokenOn }[]> {
  const broken: { name: string; version: string; device: BrokenOn }[] = [];
  const input = { coreDeviceThingName: thing, topologyFilter: 'ALL' } as const;
  try {
    for await (const page of paginateListInstalledComponents({ client: greengrass }, input)) {
      for (const component of page.installedComponents ?? []) {
        if (component.lifecycleState !== 'BROKEN') continue;
        broken.push({
          name: component.componentName ?? '',
          version: component.componentVersion ?? '',
          device: {
            thing,
            since: component.lastStatusChangeTimestamp?.toISOString(),
            reason:
              component.lifecycleStateDetails || component.lifecycleStatusCodes?.join(', ') || undefined,
          },
        });
      }
    }
  } catch (error) {
    // It was deleted since it was listed.
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return broken;
}

/** Marks a version so that no deployment takes it any more. */
export async function markBroken(
  greengrass: GreengrassV2Client,
  version: Pick<ComponentVersion, 'arn'>,
  { devices }: Pick<BrokenVersion, 'devices'>,
): Promise<void> {
  const since =
    devices
      .map((device) => device.since)
      .filter((time) => time !== undefined)
      .sort()[0] ?? new Date().toISOString();
  await greengrass.send(
    new TagResourceCommand({
      resourceArn: version.arn,
      tags: { [componentTags.broken]: markText({ since, devices: devices.length }) },
    }),
  );
}
