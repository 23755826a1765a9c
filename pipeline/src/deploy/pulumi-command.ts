import type { PulumiCommand } from '@pulumi/pulumi/automation/index.js';
import { explain, MooringError } from '../errors.js';
import { PULUMI_VERSION, pulumiProblem } from './prerequisites.js';

/**
 * The Pulumi command in `root`, which is `~/.pulumi/versions/<version>` unless told, fetched with Pulumi's own installer when it is not there yet:
 * for machines that begin empty, such as those of workflows.
 *
 * @returns undefined when the one on the PATH will do.
 * @throws MooringError `PulumiInstall`
 */
export async function installedPulumi(
  env: NodeJS.ProcessEnv,
  root?: string,
): Promise<PulumiCommand | undefined> {
  if ((await pulumiProblem(env)) === undefined) return undefined;
  const automation = await import('@pulumi/pulumi/automation/index.js');
  try {
    // The version that goes with the SDK, unless another one is asked for.
    return await automation.PulumiCommand.install(root === undefined ? {} : { root });
  } catch (error) {
    throw new MooringError(
      'PulumiInstall',
      `Pulumi ${PULUMI_VERSION} cannot be installed (${explain(error).split('\n')[0]}): install it yourself, from https://www.pulumi.com/docs/install/`,
      { cause: error },
    );
  }
}
