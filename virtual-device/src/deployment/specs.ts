import { type ComponentSpec, type SetMember, type SpecInput, specOf } from '../component/spec.js';
import type { ComponentSet } from '../config/effective-config.js';
import { DeviceError, messageOf } from '../errors.js';
import { isJsonObject } from '../json.js';
import type { Log } from '../log/device-log.js';
import type { Recipe } from '../recipe/recipe.js';
import { BUILT_IN, builtInRecipe } from './built-in.js';
import { DeploymentError } from './failure.js';

/** What specs depend on beside the set. */
export type SpecContext = Omit<SpecInput, 'set'>;

/**
 * The specs of a set of components, dependencies first.
 *
 * @param recipeOf the recipe of a component version
 * @throws DeviceError RECIPE_INVALID or DEPLOYMENT_INVALID naming the component that cannot be run
 */
export function specsOf(
  set: Pick<ComponentSet, 'components'>,
  recipeOf: (name: string, version: string) => Recipe | undefined,
  context: SpecContext,
): ComponentSpec[] {
  const members = membersOf(set, (name, version) => {
    const recipe = recipeOf(name, version);
    if (recipe) return recipe;
    throw new DeploymentError(
      ['COMPONENT_PACKAGE_LOADING_ERROR', 'LOCAL_RECIPE_NOT_FOUND'],
      `The recipe of ${name} ${version} is gone.`,
    );
  });
  return [...members.keys()].map((name) => specOf(name, { ...context, set: members }));
}

/** The specs of those components of a set that can be started; what is wrong with the others is logged. */
export function loadableSpecs(
  set: Pick<ComponentSet, 'components'>,
  recipeOf: (name: string, version: string) => Recipe | undefined,
  context: SpecContext,
  log: Log,
): ComponentSpec[] {
  const lost = new Set<string>();
  const lose = (name: string, reason: string) => {
    lost.add(name);
    log('error', `${name} cannot be started: ${reason}`);
  };
  for (const [name, { version }] of Object.entries(set.components)) {
    try {
      if (!BUILT_IN.has(name) && !recipeOf(name, version)) lose(name, 'its recipe is gone');
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      lose(name, error.message);
    }
  }
  const left = Object.entries(set.components).filter(([name]) => !lost.has(name));
  const members = membersOf({ components: Object.fromEntries(left) }, (name, version) => {
    const recipe = recipeOf(name, version);
    if (!recipe) throw new DeviceError('RECIPE_INVALID', `The recipe of ${name} ${version} is gone.`);
    return recipe;
  });
  return [...members.keys()].flatMap((name) => {
    try {
      return [specOf(name, { ...context, set: members })];
    } catch (error) {
      lose(name, messageOf(error));
      return [];
    }
  });
}

/** The members of a set; `recipeOf` throws for what has no recipe. */
function membersOf(
  set: Pick<ComponentSet, 'components'>,
  recipeOf: (name: string, version: string) => Recipe,
): Map<string, SetMember> {
  const members = new Map<string, SetMember>();
  for (const [name, record] of Object.entries(set.components)) {
    const { version, configuration, runWith } = record;
    members.set(name, {
      recipe: BUILT_IN.has(name) ? builtInRecipe(name, version) : recipeOf(name, version),
      configuration: isJsonObject(configuration) ? configuration : {},
      ...(runWith && { runWith }),
    });
  }
  return members;
}
