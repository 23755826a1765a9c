import {
  type GreengrassV2Client,
  paginateListCoreDevices,
  ResourceNotFoundException,
} from '@aws-sdk/client-greengrassv2';
import { inParallel } from '../in-parallel.js';
import type { CallOptions } from './call-options.js';
import { type ComponentOnDevice, installedComponents } from './core-device.js';

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

/**
 * What is broken on devices, as they reported it; healthy ones are not asked.
 *
 * @param fleet the things that matter; undefined for all core devices of the account.
 * @param most how many unhealthy devices are asked.
 */
export async function brokenVersions(
  greengrass: GreengrassV2Client,
  fleet: ReadonlySet<string> | undefined,
  { most = Number.POSITIVE_INFINITY, ...options }: CallOptions & { readonly most?: number } = {},
): Promise<BrokenVersion[]> {
  const things: string[] = [];
  // Not listed by group: AWS then leaves out devices that no deployment has succeeded on yet.
  const pages = paginateListCoreDevices(
    { client: greengrass, pageSize: 100 },
    { status: 'UNHEALTHY' },
    options,
  );
  for await (const { coreDevices = [] } of pages) {
    for (const { coreDeviceThingName: thing } of coreDevices) {
      if (thing !== undefined && (fleet === undefined || fleet.has(thing))) things.push(thing);
    }
    if (things.length >= most) break;
  }
  const found = new Map<string, { name: string; version: string; devices: BrokenOn[] }>();
  const asked = things.slice(0, most);
  const reports = await inParallel(asked, CONCURRENCY, async (thing) =>
    (await brokenOn(greengrass, thing, options)).map((component) => ({ thing, component })),
  );
  for (const { thing, component } of reports.flat()) {
    const { name, version, since, reason } = component;
    const key = `${name} ${version}`;
    const broken = found.get(key) ?? { name, version, devices: [] };
    broken.devices.push({
      thing,
      since: since === undefined ? undefined : new Date(since).toISOString(),
      reason,
    });
    found.set(key, broken);
  }
  return [...found.keys()].sort().flatMap((key) => found.get(key) ?? []);
}

async function brokenOn(
  greengrass: GreengrassV2Client,
  thing: string,
  options: CallOptions,
): Promise<ComponentOnDevice[]> {
  try {
    const components = await installedComponents(greengrass, thing, options);
    return components.filter(({ state }) => state === 'BROKEN');
  } catch (error) {
    // It was deleted since it was listed.
    if (error instanceof ResourceNotFoundException) return [];
    throw error;
  }
}
