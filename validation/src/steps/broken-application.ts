import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentNames } from '@mooring/contracts';
import { fleetOverview } from '@mooring/pipeline';
import { type Step, see } from '../step.js';
import { until } from '../wait.js';
import { correctCorrupt, deployToFleet, publishSources, touchLed } from './components.js';
import { untilReported } from './installed.js';

const { corrupt, led } = componentNames;
/** What docker_corrupt says when it runs. */
const TEXT = 'docker_corrupt runs:';

export const brokenApplication: Step = {
  step: 10,
  name: 'update of a broken application',
  expected:
    'while docker_corrupt is broken an update of docker_led still arrives; corrected 1.0.1 runs, prints its text, device HEALTHY',
  needs: [5],
  async play(world) {
    const things = [...world.devices.keys()];
    // After a restart of its core device it is tried anew, three times.
    for (const thing of things) {
      await untilReported(world, thing, { [corrupt]: '1.0.0' }, 'UNHEALTHY', { [corrupt]: 'BROKEN' });
    }

    touchLed(world);
    const [update = ''] = await publishSources(world);
    see(update.startsWith(led), `touched the LED, and published ${update || 'nothing'}`);
    const deployment = await deployToFleet(world);
    const held = deployment.components.find(({ name }) => name === corrupt)?.heldBack ?? [];
    see(held.includes('1.0.0'), `${corrupt} 1.0.0 is broken, and was not held back`);
    const { broken: named } = await fleetOverview(await world.target());
    see(
      named.some(({ name, version, heldBack }) => name === corrupt && version === '1.0.0' && heldBack),
      `the status of the fleet does not name ${corrupt} 1.0.0 as broken and held back`,
    );
    const version = update.slice(led.length + 1);
    for (const thing of things) await untilReported(world, thing, { [led]: version }, 'HEALTHY');

    correctCorrupt(world);
    const corrected = await publishSources(world);
    see(
      corrected.join() === `${corrupt} 1.0.1`,
      `the corrected one was published as ${corrected.join(', ') || 'nothing'}`,
    );
    await deployToFleet(world);
    for (const [thing, { root }] of world.devices) {
      await untilReported(world, thing, { [corrupt]: '1.0.1', [led]: version }, 'HEALTHY');
      await until(
        `"${TEXT}" in the log of ${thing}`,
        async () => readFileSync(join(root, 'logs', `${corrupt}.log`), 'utf8').includes(TEXT) || undefined,
        world.signal,
      );
    }
    return `with ${corrupt} 1.0.0 BROKEN on ${things.join(' and ')}, ${update} arrived and ran, and 1.0.0 was held back and named in the status; ${corrupt} 1.0.1 ran and printed "${TEXT} …", ${things.join(' and ')} HEALTHY`;
  },
};
