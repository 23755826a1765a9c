import { componentNames } from '@mooring/contracts';
import { expect, it } from 'vitest';
import { CoreDevice } from '../support/core-device.js';
import { makePrograms } from '../support/programs.js';

it('prints its text and ends, where its image is of the right architecture', async () => {
  const programs = await makePrograms([componentNames.corrupt]);
  try {
    const device = await CoreDevice.start(programs);
    const running = await device.run(componentNames.corrupt);
    expect(await running.exit).toBe(0);
    expect(running.out).toEqual([
      `docker_corrupt runs: its image is of this machine's architecture, ${process.arch}.`,
    ]);
    expect(running.err).toEqual([]);
  } finally {
    await programs.remove();
  }
});
