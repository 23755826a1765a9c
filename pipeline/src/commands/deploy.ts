import { Command } from 'commander';
import {
  type Deployment,
  deployAws,
  deployLocal,
  deploymentJson,
  type Plan,
  planAws,
  planJson,
  planLocal,
  renderPlan,
  renderResult,
} from '../deploy/index.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, INSTALL_PULUMI, withStack } from './context.js';
import { progressTeller } from './progress.js';

/** `mooring deploy` */
export function deployCommand(): Command {
  return withStack(new Command('deploy'))
    .description('make the cloud what the infrastructure program says; a second run changes nothing')
    .option('--plan', 'only tell what would be done')
    .option('--install-pulumi', INSTALL_PULUMI)
    .action(async (options: CommonOptions & { stack: Stack; plan?: true; installPulumi?: true }) => {
      const { out, target, ownTarget } = contextOf(options);
      const { stack } = options;
      const aws = { installPulumi: options.installPulumi === true };
      const tell = (plan: Plan) => out.line(renderPlan(plan, out.style));
      if (options.plan) {
        const plan = stack === 'local' ? await planLocal(await ownTarget()) : await planAws(stack, aws);
        tell(plan);
        for (const setting of plan.settings) out.line(`To turn on for the account: ${setting}`);
        out.data({ ...planJson(plan), settings: plan.settings });
        return;
      }
      const onProgress = progressTeller(out);
      const deployment: Deployment =
        stack === 'local'
          ? await deployLocal(target(), onProgress)
          : await deployAws(stack, { ...aws, onProgress });
      out.line(renderResult(deployment));
      for (const setting of deployment.settings ?? []) out.line(`Turned on for the account: ${setting}`);
      out.data(deploymentJson(deployment));
    });
}
