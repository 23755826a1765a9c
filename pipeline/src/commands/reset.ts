import { Command } from 'commander';
import { type CommonOptions, contextOf, withCommonOptions } from './context.js';

/** `mooring reset` */
export function resetCommand(): Command {
  return withCommonOptions(new Command('reset'))
    .description('remove the state of the local target: cloud, devices, certificates, logs')
    .action((options: CommonOptions) => {
      const { out, state } = contextOf(options);
      const removed = state.remove();
      out.line(removed ? `Removed ${state.path}` : `Nothing to remove: there is no ${state.path}`);
      out.data({ directory: state.path, removed });
    });
}
