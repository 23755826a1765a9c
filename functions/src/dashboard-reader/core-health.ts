import { type GreengrassV2Client, paginateListCoreDevices } from '@aws-sdk/client-greengrassv2';
import type { CallOptions } from '../devices/call-options.js';

/** What a core device reported of itself, without its components. */
export interface CoreHealth {
  readonly health: string | undefined;
  /** Milliseconds since 1970. */
  readonly healthAt: number | undefined;
}

/** By the core device's name. */
export type CoreHealths = ReadonlyMap<string, CoreHealth>;

/**
 * The health of all core devices of the account. Not of the group alone: AWS then leaves out those that no deployment has
 * succeeded on yet.
 */
export async function coreHealths(
  greengrass: GreengrassV2Client,
  options: CallOptions = {},
): Promise<CoreHealths> {
  const healths = new Map<string, CoreHealth>();
  const pages = paginateListCoreDevices({ client: greengrass, pageSize: 100 }, {}, options);
  for await (const { coreDevices = [] } of pages) {
    for (const { coreDeviceThingName, status, lastStatusUpdateTimestamp } of coreDevices) {
      if (coreDeviceThingName === undefined) continue;
      healths.set(coreDeviceThingName, { health: status, healthAt: lastStatusUpdateTimestamp?.getTime() });
    }
  }
  return healths;
}
