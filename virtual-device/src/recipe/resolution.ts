import { maxSatisfying, satisfies } from 'semver';
import { DeviceError } from '../errors.js';
import type { Recipe } from './recipe.js';

export interface ResolutionInput {
  /** Root components and the range of versions wanted of each. */
  readonly roots: ReadonlyMap<string, string>;
  /** The recipes that the device has of a component. */
  recipes(name: string): readonly Recipe[];
  /** The version in force of a component, kept when it fits. */
  active(name: string): string | undefined;
  /** Components that the device is or has built in, by version. */
  readonly provided: ReadonlyMap<string, string>;
}

interface Requirement {
  readonly range: string;
  readonly by: string;
}

/**
 * Finds the components that the roots need, each in a version that everyone who needs it accepts.
 *
 * @returns recipes by name, dependencies before what depends on them
 * @throws DeviceError DEPLOYMENT_INVALID when no version fits, or components depend on each other in a circle
 */
export function resolveComponents(asked: ResolutionInput): Map<string, Recipe> {
  const known = new Map<string, readonly Recipe[]>();
  const input: ResolutionInput = {
    ...asked,
    recipes(name) {
      const recipes = known.get(name) ?? asked.recipes(name);
      known.set(name, recipes);
      return recipes;
    },
  };
  let chosen = new Map<string, Recipe>();
  // Each round takes the requirements of the last round's choice; a choice that stands is the answer.
  for (let round = 0; round < 100; round++) {
    const next = choose(input, requirementsOf(input, chosen));
    const stands =
      next.size === chosen.size && [...next].every(([name, recipe]) => chosen.get(name) === recipe);
    chosen = next;
    if (stands) return inOrder(chosen, input.provided);
  }
  throw new DeviceError(
    'DEPLOYMENT_INVALID',
    'The components exclude each other: every choice of versions asks for another.',
  );
}

function requirementsOf(
  input: ResolutionInput,
  chosen: ReadonlyMap<string, Recipe>,
): Map<string, Requirement[]> {
  const requirements = new Map<string, Requirement[]>();
  const add = (name: string, range: string, by: string) => {
    requirements.set(name, [...(requirements.get(name) ?? []), { range, by }]);
  };
  const visit = (name: string, seen: Set<string>) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [dependency, { requirement }] of Object.entries(chosen.get(name)?.dependencies ?? {})) {
      add(dependency, requirement, name);
      visit(dependency, seen);
    }
  };
  const seen = new Set<string>();
  for (const [name, range] of input.roots) {
    add(name, range, 'the deployment');
    visit(name, seen);
  }
  return requirements;
}

function choose(
  input: ResolutionInput,
  requirements: ReadonlyMap<string, Requirement[]>,
): Map<string, Recipe> {
  const chosen = new Map<string, Recipe>();
  for (const [name, wanted] of requirements) {
    const fits = (version: string) =>
      wanted.every(({ range }) => satisfies(version, range, { includePrerelease: true }));
    const provided = input.provided.get(name);
    if (provided !== undefined) {
      if (!fits(provided)) throw unsatisfied(name, wanted, [provided]);
      continue;
    }
    const recipes = input.recipes(name);
    const versions = recipes.map(({ version }) => version);
    const active = input.active(name);
    const best =
      active !== undefined && versions.includes(active) && fits(active)
        ? active
        : maxSatisfying(versions.filter(fits), '*', { includePrerelease: true });
    const recipe = recipes.find(({ version }) => version === best);
    if (!recipe) throw unsatisfied(name, wanted, versions);
    chosen.set(name, recipe);
  }
  return chosen;
}

function unsatisfied(name: string, wanted: readonly Requirement[], versions: readonly string[]): DeviceError {
  const wishes = wanted.map(({ range, by }) => `${range} for ${by}`).join(', ');
  const there = versions.length > 0 ? `there is ${versions.join(', ')}` : 'there is no recipe of it';
  return new DeviceError('DEPLOYMENT_INVALID', `No version of ${name} fits (${wishes}): ${there}.`);
}

/** Dependencies first; of equals, by name, so that the order is always the same. */
function inOrder(
  chosen: ReadonlyMap<string, Recipe>,
  provided: ReadonlyMap<string, string>,
): Map<string, Recipe> {
  const ordered = new Map<string, Recipe>();
  const visit = (name: string, path: readonly string[]) => {
    if (ordered.has(name) || provided.has(name)) return;
    if (path.includes(name)) {
      throw new DeviceError(
        'DEPLOYMENT_INVALID',
        `Components depend on each other in a circle: ${[...path, name].join(' → ')}.`,
      );
    }
    const recipe = chosen.get(name);
    if (!recipe) return;
    for (const dependency of Object.keys(recipe.dependencies).sort()) visit(dependency, [...path, name]);
    ordered.set(name, recipe);
  };
  for (const name of [...chosen.keys()].sort()) visit(name, []);
  return ordered;
}
