import { GetCoreDeviceCommand, ListInstalledComponentsCommand } from '@aws-sdk/client-greengrassv2';
import { componentNames } from '@mooring/contracts';
import { until } from '../wait.js';
import type { World } from '../world.js';

/** Component to `version STATE`, as a device has reported it to the cloud; and the device's health. */
export interface Reported {
  readonly components: Readonly<Record<string, string>>;
  readonly health: string;
}

/** What a device has reported of itself. */
export async function reported(world: World, thing: string): Promise<Reported> {
  const { greengrass } = await world.clients();
  const input = { coreDeviceThingName: thing, topologyFilter: 'ALL' } as const;
  try {
    const { installedComponents = [] } = await greengrass.send(new ListInstalledComponentsCommand(input));
    const { status = '' } = await greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: thing }));
    return {
      health: status,
      components: Object.fromEntries(
        installedComponents.map(({ componentName = '', componentVersion, lifecycleState }) => [
          componentName,
          `${componentVersion} ${lifecycleState}`,
        ]),
      ),
    };
  } catch (error) {
    // It has not reported yet.
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      return { health: '', components: {} };
    }
    throw error;
  }
}

/** What each of the fleet's components comes to when it is well; the others keep running. */
const WELL: Readonly<Record<string, string>> = {
  [componentNames.osUpdate]: 'FINISHED',
  [componentNames.corrupt]: 'FINISHED',
};

/**
 * Waits until a device reports its components as they should be.
 *
 * @param versions component to version.
 * @param states of those that are not well.
 * @throws NotSeen naming what it reports instead.
 */
export async function untilReported(
  world: World,
  thing: string,
  versions: Readonly<Record<string, string>>,
  health: 'HEALTHY' | 'UNHEALTHY',
  states: Readonly<Record<string, string>> = {},
): Promise<Reported> {
  const wanted = Object.entries(versions).map(([name, version]): [string, string] => [
    name,
    `${version} ${states[name] ?? WELL[name] ?? 'RUNNING'}`,
  ]);
  let last: Reported = { health: '', components: {} };
  return until(
    () => {
      const wrong = wanted.filter(([name, text]) => last.components[name] !== text);
      const is = wrong.map(([name]) => `${name} is ${last.components[name] ?? 'not there'}`);
      return `${wanted.map((pair) => pair.join(' ')).join(', ')} and ${health} on ${thing} (${[...is, `it is ${last.health || 'silent'}`].join(', ')})`;
    },
    async () => {
      last = await reported(world, thing);
      const isThere = wanted.every(([name, text]) => last.components[name] === text);
      return isThere && last.health === health ? last : undefined;
    },
    world.signal,
    120,
  );
}
