import { Command, InvalidArgumentError } from 'commander';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring led frequency THING HZ` */
export function ledCommand(): Command {
  const frequency = withStack(new Command('frequency'))
    .description('set how often a device blinks, and wait for its answer')
    .argument('<thing>', 'the device: its serial number')
    .argument('<hertz>', 'whole on-off cycles a second, 0.1 to 50', parseHertz)
    .action(async (thing: string, hertz: number, options: CommonOptions & { stack: Stack }) => {
      const { connectToCloud } = await import('../fleet/cloud-connection.js');
      const { checkFrequency, setFrequency } = await import('../fleet/led.js');
      checkFrequency(thing, hertz);
      const { out, target } = contextOf(options);
      const cloud = await connectToCloud(target());
      try {
        const inForce = await setFrequency(cloud, thing, hertz);
        out.line(`${thing} blinks at ${inForce} Hz`);
        out.data({ thing, frequency: inForce });
      } finally {
        await cloud.close();
      }
    });
  return new Command('led').description('the LED of a device').addCommand(frequency);
}

function parseHertz(text: string): number {
  const hertz = Number(text);
  if (text.trim() === '' || !Number.isFinite(hertz)) throw new InvalidArgumentError('It must be a number.');
  return hertz;
}
