import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GetCoreDeviceCommand, ListInstalledComponentsCommand } from '@aws-sdk/client-greengrassv2';
import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListThingGroupsForThingCommand,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot';
import { componentNames, names } from '@mooring/contracts';
import { bootDevice, fetchImageFiles } from '@mooring/pipeline';
import { type Step, see } from '../step.js';
import { until } from '../wait.js';

export const firstBoot: Step = {
  step: 5,
  name: 'first boot of device 1',
  expected:
    'provisioned under its serial number, in the group, own certificate ACTIVE, claim files gone, components RUNNING (docker_corrupt comes with deployments)',
  needs: [1, 2],
  async play(world) {
    const thing = world.serials.first;
    const target = await world.target();
    const device = await bootDevice({
      thing,
      state: world.state,
      image: await fetchImageFiles(target, await world.account()),
      bundle: await world.bundle(),
      children: world.children,
      signal: world.signal,
    });
    world.devices.set(thing, device);
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

    const wanted = [componentNames.led, componentNames.button] as string[];
    const running = await until(
      `${wanted.join(' and ')} RUNNING in the cloud's view`,
      async () => {
        const { installedComponents = [] } = await greengrass
          .send(new ListInstalledComponentsCommand({ coreDeviceThingName: thing, topologyFilter: 'ALL' }))
          .catch(() => ({ installedComponents: [] }));
        const states = installedComponents.filter(
          ({ componentName, lifecycleState }) =>
            wanted.some((name) => name === componentName) && lifecycleState === 'RUNNING',
        );
        return states.length === wanted.length ? states : undefined;
      },
      world.signal,
    );
    const { status } = await greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: thing }));
    see(status === 'HEALTHY', `the core device is ${status}`);
    const components = running.map(
      ({ componentName, componentVersion }) => `${componentName} ${componentVersion}`,
    );
    return `${thing} in ${names.thingGroup}, certificate ${certificateId.slice(0, 8)}… ACTIVE, claim files gone, ${components.join(' and ')} RUNNING, ${status}`;
  },
};
