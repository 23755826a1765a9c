import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListEffectiveDeploymentsCommand } from '@aws-sdk/client-greengrassv2';
import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListThingGroupsForThingCommand,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot';
import { componentNames, names } from '@mooring/contracts';
import { measureBlink } from '@mooring/pipeline';
import { type Step, see } from '../step.js';
import { untilReported } from './installed.js';

export const firstBoot: Step = {
  step: 5,
  name: 'first boot of device 1',
  expected:
    'provisioned under its serial number, in the group, own certificate ACTIVE, claim files gone, components RUNNING or FINISHED, docker_corrupt BROKEN after three tries, device UNHEALTHY',
  needs: [1, 2, 4],
  async play(world) {
    const thing = world.serials.first;
    const device = await world.boot(thing);
    see(device.provisioned, 'the device did not provision itself');

    const { iot, greengrass } = await world.clients();
    await iot.send(new DescribeThingCommand({ thingName: thing }));
    const { thingGroups = [] } = await iot.send(new ListThingGroupsForThingCommand({ thingName: thing }));
    const groups = thingGroups.map(({ groupName }) => groupName);
    see(groups.includes(names.thingGroup), `the thing is in the groups ${groups.join(', ') || 'none'}`);
    const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName: thing }));
    see(principals.length === 1, `the thing has ${principals.length} certificates`);
    const certificateId = principals[0]?.split('/').at(-1) ?? '';
    const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
    see(certificateDescription?.status === 'ACTIVE', `its certificate is ${certificateDescription?.status}`);
    const claims = ['claim.pem.crt', 'claim.private.pem.key'].filter((file) =>
      existsSync(join(device.root, 'claim-certs', file)),
    );
    see(claims.length === 0, `the device still has ${claims.join(' and ')}`);

    const versions = await world.latestVersions();
    const broken = componentNames.corrupt;
    const { components } = await untilReported(world, thing, versions, 'UNHEALTHY', { [broken]: 'BROKEN' });
    const tries = startsOf(device.root, broken);
    see(tries === 3, `${broken} was tried ${tries} times`);
    const hertz = await measureBlink(device.root, 2, 30, world.signal);
    see(hertz !== undefined, 'its LED does not blink');
    const { effectiveDeployments = [] } = await greengrass.send(
      new ListEffectiveDeploymentsCommand({ coreDeviceThingName: thing }),
    );
    const status = effectiveDeployments[0]?.coreDeviceExecutionStatus;
    const own = Object.keys(versions).map((name) => `${name} ${components[name]}`);
    return `${thing} in ${names.thingGroup}, certificate ${certificateId.slice(0, 8)}… ACTIVE, claim files gone; ${own.join(', ')} after ${tries} tries; UNHEALTHY, deployment ${status}, the LED blinks at ${hertz.toFixed(2)} Hz`;
  },
};

/** How often a component was started, by the device's own log of its states. */
function startsOf(root: string, component: string): number {
  const log = readFileSync(join(root, 'logs', 'greengrass.log'), 'utf8');
  return log
    .split('\n')
    .filter((line) => line.includes(`serviceName=${component},`) && line.includes('newState=STARTING'))
    .length;
}
