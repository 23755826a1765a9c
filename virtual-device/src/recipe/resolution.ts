import { DeviceError } from '../errors.js';
import type { Recipe } from './recipe.js';

/** A range of versions of a component that someone needs. */
export interface Requirement {
  /** As npm writes ranges. */
  readonly range: string;
  /** A deployment's group, or the name of a component that depends on it. */
  readonly by: string;
}

export interface ResolutionInput {
  /** Root components and what each group wants of them. */
  readonly roots: ReadonlyMap<string, readonly Requirement[]>;
  /**
   * Finds the component in a version that everyone who needs it accepts.
   *
   * @throws DeviceError when there is none
   */
  candidate(name: string, requirements: readonly Requirement[]): Promise<Recipe>;
}

/** Components that depend on each other. */
export class CircularDependencyError extends DeviceError {
  constructor(readonly path: readonly string[]) {
    super('DEPLOYMENT_INVALID', `Components depend on each other in a circle: ${path.join(' → ')}.`);
  }
}

/** More rounds than any set of components that can be resolved takes. */
const MAX_ROUNDS = 100;

/**
 * Finds the components that the roots need, each in a version that everyone who needs it accepts.
 *
 * @returns recipes by name, dependencies before what depends on them
 * @throws CircularDependencyError, or what `candidate` throws
 */
export async function resolveComponents(input: ResolutionInput): Promise<Map<string, Recipe>> {
  const found = new Map<string, Recipe>();
  const candidate = async (name: string, requirements: readonly Requirement[]) => {
    const key = JSON.stringify([name, ...requirements.map(({ range, by }) => `${by} ${range}`).sort()]);
    const known = found.get(key);
    if (known) return known;
    const recipe = await input.candidate(name, requirements);
    found.set(key, recipe);
    return recipe;
  };
  let chosen = new Map<string, Recipe>();
  // Each round takes the requirements of the last round's choice; a choice that stands is the answer.
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = new Map<string, Recipe>();
    for (const [name, requirements] of requirementsOf(input, chosen)) {
      next.set(name, await candidate(name, requirements));
    }
    const stands =
      next.size === chosen.size && [...next].every(([name, recipe]) => chosen.get(name) === recipe);
    chosen = next;
    if (stands) return inOrder(chosen);
  }
  throw new DeviceError(
    'DEPLOYMENT_INVALID',
    'The components exclude each other: every choice of versions asks for another.',
  );
}

/** What is needed of every component that the roots lead to by way of the chosen versions. */
function requirementsOf(
  input: ResolutionInput,
  chosen: ReadonlyMap<string, Recipe>,
): Map<string, Requirement[]> {
  const requirements = new Map<string, Requirement[]>();
  const add = (name: string, requirement: Requirement) => {
    requirements.set(name, [...(requirements.get(name) ?? []), requirement]);
  };
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [dependency, { requirement }] of Object.entries(chosen.get(name)?.dependencies ?? {})) {
      add(dependency, { range: requirement, by: name });
      visit(dependency);
    }
  };
  for (const [name, wanted] of input.roots) {
    for (const requirement of wanted) add(name, requirement);
    visit(name);
  }
  return requirements;
}

/** Dependencies first; of equals, by name, so that the order is always the same. */
function inOrder(chosen: ReadonlyMap<string, Recipe>): Map<string, Recipe> {
  const ordered = new Map<string, Recipe>();
  const visit = (name: string, path: readonly string[]) => {
    if (ordered.has(name)) return;
    if (path.includes(name)) {
      throw new CircularDependencyError([...path.slice(path.indexOf(name)), name]);
    }
    const recipe = chosen.get(name);
    if (!recipe) return;
    for (const dependency of Object.keys(recipe.dependencies).sort()) visit(dependency, [...path, name]);
    ordered.set(name, recipe);
  };
  for (const name of [...chosen.keys()].sort()) visit(name, []);
  return ordered;
}
