import { maxSatisfying, satisfies } from 'semver';
import { type DataPlane, DataPlaneError } from '../cloud/data-plane.js';
import { NUCLEUS } from '../config/init-config.js';
import { type DeviceError, messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import type { Platform } from '../recipe/platform.js';
import { parseRecipe, type Recipe } from '../recipe/recipe.js';
import type { Requirement } from '../recipe/resolution.js';
import { BUILT_IN, builtInRecipe } from './built-in.js';
import { LOCAL_GROUP } from './document.js';
import { DeploymentError, type DeploymentErrorCode } from './failure.js';
import type { PackageOverlay } from './package-overlay.js';

export interface CandidatesOptions {
  readonly packages: PackageOverlay;
  readonly dataPlane: DataPlane;
  /** The version in force of a component. */
  active(name: string): string | undefined;
  /** Whether the cloud sent the deployment: then its word goes before what the device has. */
  readonly isFromCloud: boolean;
  readonly platform: Platform;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Finds one component in a version that fits, as the nucleus's component manager does: the version in force or else
 * the newest on the device is offered to the cloud, whose choice is taken; without the cloud the device's own is.
 *
 * @throws DeploymentError when there is none, or the signal's reason
 */
export async function findCandidate(
  name: string,
  requirements: readonly Requirement[],
  options: CandidatesOptions,
): Promise<Recipe> {
  if (name === NUCLEUS) return nucleus(requirements);
  const { isFromCloud } = options;
  const local = localCandidate(name, requirements, options);
  const isLocalWish = requirements.some(({ by }) => by === LOCAL_GROUP);
  if (local && (!isFromCloud || isLocalWish)) return local;
  try {
    return await cloudCandidate(name, requirements, local?.version, options);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof DataPlaneError)) throw error;
    const known = local ?? builtIn(name, requirements);
    if (known) {
      options.log('warn', `${name} ${known.version} is taken without the cloud: ${error.message}`);
      return known;
    }
    throw noVersion(name, requirements, options, error);
  }
}

function fits(version: string, requirements: readonly Requirement[]): boolean {
  return requirements.every(({ range }) => satisfies(version, range));
}

function nucleus(requirements: readonly Requirement[]): Recipe {
  const version = BUILT_IN.get(NUCLEUS) ?? '';
  if (fits(version, requirements)) return builtInRecipe(NUCLEUS, version);
  throw new DeploymentError(
    ['NO_AVAILABLE_COMPONENT_VERSION', 'COMPONENT_VERSION_REQUIREMENTS_NOT_MET'],
    `The nucleus of this device is ${version} and cannot be another; wanted is ${words(requirements)}.`,
  );
}

function builtIn(name: string, requirements: readonly Requirement[]): Recipe | undefined {
  const version = BUILT_IN.get(name);
  return version !== undefined && fits(version, requirements) ? builtInRecipe(name, version) : undefined;
}

function localCandidate(
  name: string,
  requirements: readonly Requirement[],
  { packages, active, log }: CandidatesOptions,
): Recipe | undefined {
  const recipes = packages.versionsOf(name, (error) => log('warn', error.message));
  const fitting = recipes.filter(({ version }) => fits(version, requirements));
  const current = active(name);
  const version =
    fitting.find((recipe) => recipe.version === current)?.version ??
    maxSatisfying(
      fitting.map((recipe) => recipe.version),
      '*',
      { includePrerelease: true },
    );
  return fitting.find((recipe) => recipe.version === version);
}

async function cloudCandidate(
  name: string,
  requirements: readonly Requirement[],
  localVersion: string | undefined,
  { packages, dataPlane, platform, isFromCloud, signal }: CandidatesOptions,
): Promise<Recipe> {
  // Without anything to fall back on, a deployment of the cloud waits until the cloud can be asked.
  const attempts = isFromCloud && localVersion === undefined ? Number.POSITIVE_INFINITY : 1;
  const resolved = await dataPlane.resolve(name, requirements, localVersion, platform, {
    attempts,
    signal,
  });
  const file = `${name}-${resolved.version}.json`;
  let recipe: Recipe;
  try {
    recipe = parseRecipe(resolved.recipe, file);
  } catch (error) {
    throw new DeploymentError(
      ['COMPONENT_PACKAGE_LOADING_ERROR', 'RECIPE_PARSE_ERROR'],
      `The recipe of ${name} ${resolved.version} that the cloud sent cannot be used: ${messageOf(error)}`,
      [],
      { cause: error },
    );
  }
  if (recipe.name !== name || recipe.version !== resolved.version) {
    throw new DeploymentError(
      ['RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE'],
      `The cloud sent the recipe of ${recipe.name} ${recipe.version} for ${name} ${resolved.version}.`,
    );
  }
  if (BUILT_IN.has(name)) recipe = builtInRecipe(name, recipe.version, recipe);
  packages.putRecipe({ recipe, text: resolved.recipe, extension: '.json', arn: resolved.arn });
  return recipe;
}

function noVersion(
  name: string,
  requirements: readonly Requirement[],
  { packages }: CandidatesOptions,
  error: DataPlaneError,
): DeviceError {
  const versions = packages.versionsOf(name).map(({ version }) => version);
  const there =
    versions.length > 0 ? `the device has ${versions.join(', ')}` : 'the device has no recipe of it';
  const cloud = error.isTransient ? 'the cloud cannot be asked' : 'the cloud offers none';
  const codes: DeploymentErrorCode[] =
    error.status === 403
      ? ['CLOUD_API_ERROR', 'RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED']
      : error.isTransient
        ? ['NO_AVAILABLE_COMPONENT_VERSION', 'NETWORK_ERROR']
        : ['NO_AVAILABLE_COMPONENT_VERSION', 'COMPONENT_VERSION_REQUIREMENTS_NOT_MET'];
  return new DeploymentError(
    codes,
    `No version of ${name} fits (${words(requirements)}): ${there}, and ${cloud}: ${error.message}`,
    [],
    { cause: error },
  );
}

function words(requirements: readonly Requirement[]): string {
  return requirements.map(({ range, by }) => `${range} for ${by}`).join(', ');
}
