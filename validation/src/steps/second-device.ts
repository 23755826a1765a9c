import { ListDeploymentsCommand } from '@aws-sdk/client-greengrassv2';
import { componentNames, names } from '@mooring/contracts';
import { type Step, see } from '../step.js';
import type { World } from '../world.js';
import { untilReported } from './installed.js';

export const secondDevice: Step = {
  step: 6,
  name: 'add a second device',
  expected: 'allowlist extended, device 2 joins and gets everything without a new deployment',
  needs: [5],
  async play(world) {
    const { first, second } = world.serials;
    const before = await deploymentIds(world);
    await world.allow(first, second);
    const device = await world.boot(second);
    see(device.provisioned, 'device 2 did not provision itself');
    const { components } = await untilReported(world, second, await world.latestVersions(), 'UNHEALTHY', {
      [componentNames.corrupt]: 'BROKEN',
    });
    const after = await deploymentIds(world);
    see(after.join() === before.join(), `there are new deployments: ${after.join(', ')}`);
    const own = Object.values(componentNames).map((name) => `${name} ${components[name]}`);
    return `${second} joined and has ${own.join(', ')}, by the deployment ${before[0]} that was there`;
  },
};

/** The deployments to the group, the newest first. */
async function deploymentIds(world: World): Promise<string[]> {
  const { greengrass } = await world.clients();
  const { region } = await world.target();
  const targetArn = `arn:aws:iot:${region}:${await world.account()}:thinggroup/${names.thingGroup}`;
  const { deployments = [] } = await greengrass.send(
    new ListDeploymentsCommand({ targetArn, historyFilter: 'ALL' }),
  );
  return deployments.map(({ deploymentId = '' }) => deploymentId);
}
