import { Command } from 'commander';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring button press THING` */
export function buttonCommand(): Command {
  const press = withStack(new Command('press'))
    .description('press the button of a device, and wait for what its LED does')
    .argument('<thing>', 'the device: its serial number')
    .action(async (thing: string, options: CommonOptions & { stack: Stack }) => {
      const { connectToCloud } = await import('../fleet/cloud-connection.js');
      const { pressButton } = await import('../fleet/button.js');
      const { checkThing } = await import('../fleet/thing.js');
      checkThing(thing);
      const { out, state, target } = contextOf(options);
      const cloud = await connectToCloud(target());
      try {
        const blinking = await pressButton(cloud, options.stack === 'local' ? state : undefined, thing);
        out.line(`${thing} ${blinking ? 'blinks again' : 'stopped blinking'}`);
        out.data({ thing, state: blinking });
      } finally {
        await cloud.close();
      }
    });
  return new Command('button').description('the button of a device').addCommand(press);
}
