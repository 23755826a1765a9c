import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames } from '@mooring/contracts';
import { takeAccount } from '../bootstrap/account.js';
import { rolesBoundary } from '../bootstrap/boundary.js';
import { repositoryBundles } from '../functions/cached-bundles.js';
import { uploadFunction } from '../functions/upload.js';
import { repositoryRoot } from '../repository.js';
import { clientConfig, type Target } from '../target.js';
import { type FleetPlan, planAccountSettings, settleAccount } from './account-settings.js';
import type { Deployment } from './engine.js';
import type { DeployProgress } from './engine-ports.js';
import { deployInProcess, destroyInProcess, type InProcessStack, planInProcess } from './local.js';
import { readStackConfig } from './stack-config.js';

/** The folder of the fleet's Pulumi program. */
export const INFRASTRUCTURE = join(repositoryRoot, 'infrastructure');
const PROJECT = 'mooring';

/** SHA-256 of each uploaded function bundle, by the function's name. */
export type FunctionBundles = Readonly<Record<string, string>>;

export type OnProgress = (progress: DeployProgress) => void;

/**
 * Deploys the fleet's infrastructure to the local cloud: bundles and uploads the functions, then plans and
 * applies the Pulumi program, and turns on what the account has to have on.
 *
 * @throws DeployError when resources failed; the next deployment goes on from there.
 * @throws MooringError for everything else that a user can put right.
 */
export async function deployLocal(target: Target, onProgress?: OnProgress): Promise<Deployment> {
  const deployed = await deployInProcess(await stackOf(target, await prepareFunctions(target), onProgress));
  return { ...deployed, settings: await settleAccount(target) };
}

/** What {@link deployLocal} would do. Changes nothing. */
export async function planLocal(target: Target): Promise<FleetPlan> {
  const bundles = await repositoryBundles();
  const plan = await planInProcess(await stackOf(target, digests(bundles), undefined));
  return { ...plan, settings: await planAccountSettings(target) };
}

/** Deletes the fleet's infrastructure from the local cloud; the bootstrap bucket stays. */
export async function destroyLocal(target: Target, onProgress?: OnProgress): Promise<Deployment> {
  return destroyInProcess({ target, project: PROJECT, ...(onProgress && { onProgress }) });
}

/**
 * Bundles the functions and uploads those that the bootstrap bucket does not have yet. The account is the stack's then.
 *
 * @throws MooringError `OtherAccount`
 */
export async function prepareFunctions(target: Target): Promise<FunctionBundles> {
  const [bundles, account] = await Promise.all([repositoryBundles(), takeAccount(target)]);
  const { bootstrap } = bucketNames(account, target.region);
  const s3 = new S3Client(clientConfig(target));
  try {
    await Promise.all(bundles.map((bundle) => uploadFunction(s3, bootstrap, bundle)));
  } finally {
    s3.destroy();
  }
  return digests(bundles);
}

function digests(bundles: readonly { name: string; sha256: string }[]): FunctionBundles {
  return Object.fromEntries(bundles.map(({ name, sha256 }) => [name, sha256]));
}

async function stackOf(
  target: Target,
  functionBundles: FunctionBundles,
  onProgress: OnProgress | undefined,
): Promise<InProcessStack> {
  // Loaded only when it is needed: Pulumi takes a second.
  const { default: program } = await import('@mooring/infrastructure');
  const permissionsBoundary = await rolesBoundary(target);
  return {
    target,
    project: PROJECT,
    config: await readStackConfig(join(INFRASTRUCTURE, `Pulumi.${target.stack}.yaml`)),
    program: () =>
      program({ functionBundles, ...(permissionsBoundary !== undefined && { permissionsBoundary }) }),
    ...(onProgress && { onProgress }),
  };
}

/** Loads what {@link deployLocal} needs, for a caller that has to wait for something else meanwhile. */
export async function loadAhead(): Promise<void> {
  await Promise.all([import('@mooring/infrastructure'), import('./pulumi-program.js')]);
}
