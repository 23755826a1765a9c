import { Command } from 'commander';
import { deploymentJson, renderResult } from '../deploy/index.js';
import { MooringError } from '../errors.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, INSTALL_PULUMI, withStack } from './context.js';
import { progressTeller } from './progress.js';

interface DestroyOptions extends CommonOptions {
  stack: Stack;
  everything?: true;
  yes?: true;
  installPulumi?: true;
  confirm?: string;
}

const HELP = `
Without --everything these stay: the devices (things, certificates), the claim certificates, the component versions,
the access of the pipeline, and the bootstrap bucket. What is kept of the fleet's history goes: telemetry and events.
The account's events and its fleet index stay turned on: others may use them. \`mooring deploy\`, \`mooring provision\` and \`mooring fleet sync\` bring the fleet back.`;

/** `mooring destroy` */
export function destroyCommand(): Command {
  return withStack(new Command('destroy'))
    .description(
      'delete the infrastructure; devices, certificates, components and the claim certificate stay',
    )
    .option('--everything', 'delete what would stay too: nothing is left')
    .option('--install-pulumi', INSTALL_PULUMI)
    .option('--yes', 'needed on AWS: that it is meant')
    .option('--confirm <stack>', 'the same, by the name of the stack; refused when it is another')
    .addHelpText('after', HELP)
    .action(async ({ stack, everything, yes, confirm, installPulumi, ...options }: DestroyOptions) => {
      if (confirm !== undefined && confirm !== stack) {
        throw new MooringError(
          'NotConfirmed',
          `The stack is ${stack}, and what was confirmed is ${JSON.stringify(confirm)}: nothing was deleted`,
        );
      }
      if (stack !== 'local' && !yes && confirm === undefined) {
        throw new MooringError(
          'NotConfirmed',
          `This deletes the infrastructure of the stack ${stack}${everything ? ', its devices, certificates and components' : ''}: if it is meant so, add --yes`,
        );
      }
      const { destroyInfrastructure } = await import('../teardown/destroy.js');
      const { deleteRemains } = await import('../teardown/remains.js');
      const { refuseToThePipeline } = await import('../bootstrap/access.js');
      const { out, target, ownTarget } = contextOf({ ...options, stack });
      if (everything) await refuseToThePipeline(target());
      const from = await ownTarget();
      const destroyed = await destroyInfrastructure(from, out.progress, {
        onProgress: progressTeller(out),
        installPulumi: installPulumi === true,
      });
      out.line(renderResult(destroyed));
      if (everything) await deleteRemains(from, out.progress);
      out.line(
        everything
          ? 'Nothing is left; the events of AWS IoT and the fleet index stay turned on for the account'
          : 'Devices, their certificates, the claim certificate and the components are still there',
      );
      out.data(deploymentJson(destroyed));
    });
}
