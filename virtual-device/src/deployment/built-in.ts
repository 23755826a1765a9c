import { NUCLEUS } from '../config/init-config.js';
import { NUCLEUS_VERSION } from '../nucleus-version.js';
import type { Recipe } from '../recipe/recipe.js';
import { DeploymentError } from './failure.js';

/**
 * The components of AWS that the device is or has built in, with the versions whose ways it honours. A deployment
 * may ask for other versions of all but the nucleus itself: what they configure is the same.
 */
export const BUILT_IN: ReadonlyMap<string, string> = new Map([
  [NUCLEUS, NUCLEUS_VERSION],
  ['aws.greengrass.Cli', NUCLEUS_VERSION],
  ['aws.greengrass.DockerApplicationManager', '2.0.15'],
  ['aws.greengrass.TokenExchangeService', '2.0.3'],
  ['aws.greengrass.LogManager', '2.3.9'],
]);

/** Types of components that are code within the nucleus. */
const WITHIN_NUCLEUS = ['aws.greengrass.plugin', 'aws.greengrass.nucleus'];

/** The recipe of a built-in component without what only a real nucleus could run. */
export function builtInRecipe(name: string, version: string, recipe?: Recipe): Recipe {
  return {
    name,
    version,
    type: 'aws.greengrass.plugin',
    defaultConfiguration: recipe?.defaultConfiguration ?? {},
    dependencies: recipe?.dependencies ?? {},
    manifests: [],
    lifecycle: {},
  };
}

/** @throws DeploymentError naming a component that would have to run within the nucleus, and is not built in */
export function refuseUnknownPlugins(recipes: Iterable<Recipe>): void {
  for (const { name, version, type } of recipes) {
    if (BUILT_IN.has(name) || !WITHIN_NUCLEUS.includes(type.toLowerCase())) continue;
    throw new DeploymentError(
      ['CUSTOM_PLUGIN_NOT_SUPPORTED'],
      `${name} ${version} is a ${type}, which runs within the nucleus; this device has no such component built in.`,
    );
  }
}
