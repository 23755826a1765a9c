import { type AwsOptions, readyForAws } from '../deploy/aws.js';
import type { Deployment } from '../deploy/engine.js';
import { destroyAws, destroyLocal } from '../deploy/index.js';
import type { Target } from '../target.js';
import { releaseInfrastructure } from './release.js';

/**
 * Deletes the infrastructure. Devices, their certificates, the claim certificates, the component versions and the
 * bootstrap bucket stay. Safe to repeat.
 *
 * @param tell takes a line for people about what is not a resource of the program.
 * @throws DeployError, MooringError as a deployment does.
 */
export async function destroyInfrastructure(
  target: Target,
  tell: (line: string) => void = () => undefined,
  options: AwsOptions = {},
): Promise<Deployment> {
  // Nothing is released that could not be deleted then.
  if (target.stack !== 'local') await readyForAws(target.stack, options);
  await releaseInfrastructure(target, tell);
  return target.stack === 'local'
    ? destroyLocal(target, options.onProgress)
    : destroyAws(target.stack, options);
}
