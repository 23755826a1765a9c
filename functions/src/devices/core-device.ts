import {
  GetCoreDeviceCommand,
  type GreengrassV2Client,
  type InstalledComponent,
  paginateListInstalledComponents,
  ResourceNotFoundException,
} from '@aws-sdk/client-greengrassv2';
import type { CallOptions } from './call-options.js';

/** A component on a device, as the device reported it. */
export interface ComponentOnDevice {
  readonly name: string;
  readonly version: string;
  /** Lifecycle state: `RUNNING`, `FINISHED`, `BROKEN` … */
  readonly state: string;
  /** When the state became what it is, in milliseconds since 1970. */
  readonly since: number | undefined;
  /** What the device says about it, if anything. */
  readonly reason: string | undefined;
}

/** What a Greengrass core reported of itself. */
export interface CoreDevice {
  /** `HEALTHY` or `UNHEALTHY`; undefined before its first report. */
  readonly health: string | undefined;
  /** When it reported last, in milliseconds since 1970. */
  readonly healthAt: number | undefined;
  /** By name. */
  readonly components: readonly ComponentOnDevice[];
}

/** What is known of a core device; nothing before its first report. */
export async function coreDevice(
  greengrass: GreengrassV2Client,
  coreDeviceThingName: string,
  options: CallOptions = {},
): Promise<CoreDevice> {
  try {
    const { status, lastStatusUpdateTimestamp } = await greengrass.send(
      new GetCoreDeviceCommand({ coreDeviceThingName }),
      options,
    );
    const components = await installedComponents(greengrass, coreDeviceThingName, options);
    return {
      health: status,
      healthAt: lastStatusUpdateTimestamp?.getTime(),
      components: components.sort((a, b) => a.name.localeCompare(b.name)),
    };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    return { health: undefined, healthAt: undefined, components: [] };
  }
}

/** @throws ResourceNotFoundException when there is no such core device. */
export async function installedComponents(
  greengrass: GreengrassV2Client,
  coreDeviceThingName: string,
  options: CallOptions,
): Promise<ComponentOnDevice[]> {
  const pages = paginateListInstalledComponents(
    { client: greengrass },
    { coreDeviceThingName, topologyFilter: 'ALL' },
    options,
  );
  const components: ComponentOnDevice[] = [];
  for await (const page of pages) components.push(...(page.installedComponents ?? []).map(componentOf));
  return components;
}

function componentOf(component: InstalledComponent): ComponentOnDevice {
  return {
    name: component.componentName ?? '',
    version: component.componentVersion ?? '',
    state: component.lifecycleState ?? '',
    since: component.lastStatusChangeTimestamp?.getTime(),
    reason: component.lifecycleStateDetails || component.lifecycleStatusCodes?.join(', ') || undefined,
  };
}
