import { Command } from 'commander';
import { deploymentJson, planJson, renderPlan, renderResult } from '../deploy/index.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';
import { progressTeller } from './progress.js';

interface BootstrapArguments extends CommonOptions {
  stack: Stack;
  repository: string;
  plan?: true;
}

const HELP = `
Run it once for each stack, with the credentials of an administrator of its account. dev and prod need two accounts.
The workflows then need in the GitHub environment of the stack's name: AWS_ROLE_ARN, the role that is printed, and
AWS_REGION.`;

/** `mooring bootstrap` */
export function bootstrapCommand(): Command {
  return withStack(new Command('bootstrap'))
    .description('make what a pipeline needs before it can run: state bucket, OpenID Connect provider, role')
    .requiredOption('--repository <owner/name>', 'the GitHub repository whose workflows may assume the role')
    .option('--plan', 'only tell what would be done')
    .addHelpText('after', HELP)
    .action(async ({ stack, repository, plan: onlyPlan, ...options }: BootstrapArguments) => {
      const { bootstrap, planBootstrap } = await import('../bootstrap/access.js');
      const { checkAwsAccess } = await import('../deploy/prerequisites.js');
      const { out, target } = contextOf({ ...options, stack });
      if (stack !== 'local') await checkAwsAccess(stack, 'bootstrap');
      if (onlyPlan) {
        const plan = await planBootstrap(target(), { repository });
        out.line(renderPlan(plan, out.style));
        out.data(planJson(plan));
        return;
      }
      const made = await bootstrap(target(), { repository, onProgress: progressTeller(out) });
      out.line(renderResult(made));
      out.line(`Workflows of ${repository} in the environment ${stack} may assume ${made.outputs.roleArn}`);
      out.data(deploymentJson(made));
    });
}
