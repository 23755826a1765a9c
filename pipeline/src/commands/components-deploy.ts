import { join } from 'node:path';
import { Command } from 'commander';
import { repositoryRoot } from '../repository.js';
import { parseMerge, parseReset, readDeploymentFile } from '../rollout/configuration.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, wholeNumber, withStack } from './context.js';

interface DeployArguments extends CommonOptions {
  stack: Stack;
  config: string;
  merge: string[];
  reset: string[];
  without: string[];
  wave?: number;
  failureThreshold: number;
  wait: boolean;
  timeout: number;
  settle: number;
}

const HELP = `
A version that is broken on devices is never deployed again: the last good one is, or the component is left out.
When a rollout fails, what is broken goes back at once, and the exit status is 1.`;

/** `mooring components deploy` */
export function deployComponentsCommand(): Command {
  const list = (text: string, before: string[]) => [...before, text];
  return withStack(new Command('deploy'))
    .description('deploy the newest good version of every component to the fleet')
    .argument('[names...]', 'only these get their newest version; the others stay as they are')
    .option(
      '--config <file>',
      'further components, and configuration',
      join(repositoryRoot, 'components', 'deployment.yaml'),
    )
    .option('--merge <component=json>', "merge this into a component's configuration", list, [])
    .option(
      '--reset <component=/pointer>',
      "take this of a component's configuration back to its default",
      list,
      [],
    )
    .option('--without <component>', 'leave this component out', list, [])
    .option(
      '--wave <devices>',
      'devices of the first wave (default: a tenth, but at least 5)',
      wholeNumber(1, 1000),
    )
    .option(
      '--failure-threshold <percent>',
      'stop when so many devices of a wave fail',
      wholeNumber(1, 100),
      20,
    )
    .option('--no-wait', 'do not wait for the devices')
    .option('--timeout <seconds>', 'wait no longer than this', wholeNumber(1), 600)
    .option(
      '--settle <seconds>',
      'how long what was deployed has to run before it counts as good',
      wholeNumber(0),
      20,
    )
    .addHelpText('after', HELP)
    .action(async (only: string[], options: DeployArguments) => {
      const { deployComponents } = await import('../rollout/deploy-components.js');
      const { deploymentText, deploymentData, hasFailures } = await import('../rollout/render.js');
      const { out, ownTarget } = contextOf(options);
      const deployment = await deployComponents(await ownTarget(), {
        only,
        without: options.without,
        declared: await readDeploymentFile(options.config),
        merges: options.merge.map(parseMerge),
        resets: options.reset.map(parseReset),
        ...(options.wave !== undefined && { wave: options.wave }),
        failureThreshold: options.failureThreshold,
        wait: options.wait,
        timeout: options.timeout,
        settle: options.settle,
        onProgress: out.progress,
      });
      out.line(deploymentText(deployment, out));
      out.data(deploymentData(deployment));
      if (hasFailures(deployment)) process.exitCode = 1;
    });
}
