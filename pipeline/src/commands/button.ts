import { Command } from 'commander';
import { type CommonOptions, contextOf, withCommonOptions } from './context.js';

/** `mooring button press THING` */
export function buttonCommand(): Command {
  const press = withCommonOptions(new Command('press'))
    .description('press the button of a virtual device, and wait for what its LED does')
    .argument('<thing>', 'the device: its serial number')
    .action(async (thing: string, options: CommonOptions) => {
      const { connectToCloud } = await import('../fleet/cloud-connection.js');
      const { pressButton, virtualDeviceRoot } = await import('../fleet/button.js');
      const { out, state, target } = contextOf(options);
      virtualDeviceRoot(state, thing);
      const cloud = await connectToCloud(target());
      try {
        const blinking = await pressButton(cloud, state, thing);
        out.line(`${thing} ${blinking ? 'blinks again' : 'stopped blinking'}`);
        out.data({ thing, state: blinking });
      } finally {
        await cloud.close();
      }
    });
  return new Command('button').description('the button of a virtual device').addCommand(press);
}
