import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentNames } from '@mooring/contracts';
import { type Step, see } from '../step.js';
import { until } from '../wait.js';
import type { World } from '../world.js';
import { deployToFleet } from './components.js';
import { untilReported } from './installed.js';

const NAME = componentNames.osUpdate;
/** Below the component's work folder, where its commands run. */
const COUNT = 'validation.txt';

export const osUpdate: Step = {
  step: 11,
  name: 'OS update',
  expected:
    'commands run once, the device reboots, second start says already updated; a new update_no runs once more',
  needs: [5],
  async play(world) {
    const seen: string[] = [];
    for (const number of [1, 2]) {
      const boots = new Map([...world.devices].map(([thing, { root }]) => [thing, bootId(root)]));
      const commands = [`printf '%s\\n' ${number} >> ${COUNT}`];
      await deployToFleet(world, {
        only: [NAME],
        merges: [{ component: NAME, merge: { update_no: number, commands } }],
      });
      for (const [thing, { root }] of world.devices) {
        await until(
          `${thing} reboots and says that update ${number} is installed`,
          async () =>
            bootId(root) !== boots.get(thing) &&
            readFileSync(join(root, 'logs', `${NAME}.log`), 'utf8').includes(
              `Update ${number} is already installed.`,
            )
              ? true
              : undefined,
          world.signal,
          120,
        );
        const ran = runs(root);
        see(
          ran.join() === [1, 2].slice(0, number).join(),
          `the commands of updates ${ran.join(', ') || 'none'} ran on ${thing}`,
        );
        await untilReported(world, thing, await versionOf(world), 'HEALTHY');
      }
      seen.push(`update ${number}: ran once on each device, over a reboot, then "already installed"`);
    }
    return seen.join('; ');
  },
};

async function versionOf(world: World): Promise<Record<string, string>> {
  const { [NAME]: version = '' } = await world.latestVersions();
  return { [NAME]: version };
}

/** The numbers of the updates whose commands ran, in their order. */
function runs(root: string): string[] {
  const file = join(root, 'work', NAME, COUNT);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/** The id of a device's current boot, as Linux has it; undefined while it is down. */
function bootId(root: string): string | undefined {
  try {
    return readFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8').trim();
  } catch {
    return undefined;
  }
}
