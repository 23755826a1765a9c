import type { SetMember } from '../component/spec.js';
import type { ComponentRecord, ComponentSet, EffectiveConfig } from '../config/effective-config.js';
import { NUCLEUS, NucleusConfiguration } from '../config/init-config.js';
import { describeIssues } from '../config/issues.js';
import type { JsonValue } from '../ipc/capabilities.js';
import {
  isJsonObject,
  type JsonObject,
  merge,
  parsePointer,
  valueAt,
  withoutValueAt,
  withValueAt,
} from '../json.js';
import { normalizeRequirement, type Recipe } from '../recipe/recipe.js';
import { CircularDependencyError, type Requirement, resolveComponents } from '../recipe/resolution.js';
import { BUILT_IN, refuseUnknownPlugins } from './built-in.js';
import {
  type ConfigurationUpdate,
  type DeploymentDocument,
  LOCAL_GROUP,
  type RunWith,
  THING_PREFIX,
} from './document.js';
import { DeploymentError } from './failure.js';

/** A component set with the recipes that it is made of. */
export interface Target {
  readonly set: ComponentSet;
  /** Without the nucleus itself; dependencies before what depends on them. */
  readonly members: ReadonlyMap<string, SetMember>;
}

/** What of a deployment's wishes does not depend on the configuration in force. */
export interface ResolvedTarget {
  readonly groups: ComponentSet['groups'];
  readonly membership: readonly string[];
  readonly recipes: ReadonlyMap<string, Recipe>;
}

export interface TargetInput {
  readonly current: EffectiveConfig;
  readonly document: DeploymentDocument;
  /** The thing groups that the device is in, as `thinggroup/<name>`. */
  readonly membership: readonly string[];
  /** @throws DeploymentError when no version fits */
  candidate(name: string, requirements: readonly Requirement[]): Promise<Recipe>;
}

/**
 * Finds the components that a deployment asks for: the roots of its group are replaced, those of groups that the
 * device is not in any more go, and a component stays as long as anyone needs it.
 *
 * @throws DeploymentError
 */
export async function resolveTarget(input: TargetInput): Promise<ResolvedTarget> {
  const { current, document, membership, candidate } = input;
  const groups = groupsAfter(current.groups, document, membership);
  const roots = new Map<string, Requirement[]>();
  for (const [group, members] of Object.entries(groups)) {
    for (const [name, { version }] of Object.entries(members)) {
      roots.set(name, [...(roots.get(name) ?? []), { range: normalizeRequirement(version), by: group }]);
    }
  }
  const recipes = await resolve(roots, candidate);
  refuseUnknownPlugins(recipes.values());
  const stranger = [...Object.keys(document.updates), ...Object.keys(document.runWith)].find(
    (name) => name !== NUCLEUS && !recipes.has(name),
  );
  if (stranger !== undefined) {
    throw new DeploymentError(
      ['DEPLOYMENT_DOCUMENT_NOT_VALID', 'COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT'],
      `Configuration is given for ${stranger}, which is not deployed.`,
      ['REQUEST_ERROR'],
    );
  }
  return { groups, membership, recipes };
}

/**
 * The set that a deployment makes of what is in force now, which components' own changes of their configuration may
 * have altered since it came.
 *
 * @throws DeploymentError for an update that cannot be made
 */
export function composeTarget(
  current: EffectiveConfig,
  document: DeploymentDocument,
  { groups, membership, recipes }: ResolvedTarget,
): Target {
  const members = new Map<string, SetMember>();
  const components: Record<string, ComponentRecord> = {};
  for (const [name, recipe] of recipes) {
    if (name === NUCLEUS) continue;
    const record = own(current.components, name);
    const configuration = configurationOf(recipe, record?.configuration, own(document.updates, name));
    const runWith = mergedRunWith(record?.runWith, own(document.runWith, name));
    members.set(name, { recipe, configuration, ...(runWith && { runWith }) });
    components[name] = {
      version: recipe.version,
      componentType: BUILT_IN.has(name) ? 'PLUGIN' : 'GENERIC',
      dependencies: Object.entries(recipe.dependencies)
        .filter(([dependency]) => recipes.has(dependency) && dependency !== NUCLEUS)
        .map(([dependency, { type }]) => `${dependency}:${type}`),
      configuration,
      ...(runWith && { runWith }),
    };
  }
  const isDated = document.createdAt !== undefined && document.group !== LOCAL_GROUP;
  return {
    members,
    set: {
      nucleus: nucleusOf(current.nucleus, own(document.updates, NUCLEUS)),
      components,
      groups,
      membership: [...membership],
      lastDeployments: {
        ...current.lastDeployments,
        ...(isDated && {
          [document.group]: { timestamp: document.createdAt, configArn: document.configurationArn },
        }),
      },
    },
  };
}

async function resolve(
  roots: ReadonlyMap<string, readonly Requirement[]>,
  candidate: TargetInput['candidate'],
): Promise<Map<string, Recipe>> {
  try {
    return await resolveComponents({ roots, candidate });
  } catch (error) {
    if (!(error instanceof CircularDependencyError)) throw error;
    throw new DeploymentError(['COMPONENT_CIRCULAR_DEPENDENCY_ERROR'], error.message, [], { cause: error });
  }
}

function groupsAfter(
  groups: EffectiveConfig['groups'],
  document: DeploymentDocument,
  membership: readonly string[],
): EffectiveConfig['groups'] {
  const kept = Object.entries(groups).filter(
    ([group]) =>
      group !== document.group &&
      (group === LOCAL_GROUP || group.startsWith(THING_PREFIX) || membership.includes(group)),
  );
  const roots = Object.entries(document.roots).map(([name, version]) => [
    name,
    { version, ...(document.configurationArn && { groupConfigArn: document.configurationArn }) },
  ]);
  return Object.fromEntries([...kept, [document.group, Object.fromEntries(roots)]]);
}

/**
 * A component's configuration after a deployment: what it was, over the recipe's defaults; then the values at the
 * update's `reset` pointers go back to their defaults, then its `merge` is laid over it.
 *
 * @throws DeploymentError for what is no JSON pointer
 */
export function configurationOf(
  recipe: Pick<Recipe, 'name' | 'defaultConfiguration'>,
  existing: JsonValue | undefined,
  update: ConfigurationUpdate | undefined,
): JsonObject {
  const defaults = recipe.defaultConfiguration;
  let configuration = merge(defaults, isJsonObject(existing) ? existing : {});
  for (const pointer of update?.reset ?? []) {
    const path = parsePointer(pointer);
    if (!path) {
      throw new DeploymentError(
        ['DEPLOYMENT_DOCUMENT_NOT_VALID', 'COMPONENT_CONFIGURATION_NOT_VALID'],
        `The reset of ${recipe.name} names ${pointer}, which is no JSON pointer.`,
        ['REQUEST_ERROR'],
      );
    }
    const byDefault = valueAt(defaults, path);
    if (path.length === 0) configuration = defaults;
    else if (byDefault === undefined) configuration = withoutValueAt(configuration, path);
    else configuration = withValueAt(configuration, path, byDefault);
  }
  return merge(configuration, update?.merge ?? {});
}

/** The nucleus's own configuration; what a reset takes away is as if it had never been set. */
function nucleusOf(
  current: NucleusConfiguration,
  update: ConfigurationUpdate | undefined,
): NucleusConfiguration {
  if (!update) return current;
  const existing: JsonValue = JSON.parse(JSON.stringify(current));
  const changed = configurationOf({ name: NUCLEUS, defaultConfiguration: {} }, existing, {
    ...update,
    reset: update.reset.filter((pointer) => pointer !== ''),
  });
  const result = NucleusConfiguration.safeParse(changed, { reportInput: true });
  if (result.success) return result.data;
  throw new DeploymentError(
    ['COMPONENT_CONFIGURATION_NOT_VALID'],
    describeIssues(`The configuration of ${NUCLEUS}`, result.error.issues),
    ['REQUEST_ERROR'],
  );
}

function mergedRunWith(before: RunWith | undefined, change: RunWith | undefined): ComponentRecord['runWith'] {
  const { posixUser, systemResourceLimits: limits } = { ...before, ...change };
  if (posixUser === undefined && limits === undefined) return undefined;
  const { memory, cpus } = limits ?? {};
  return {
    ...(posixUser !== undefined && { posixUser }),
    ...(limits && {
      systemResourceLimits: { ...(memory !== undefined && { memory }), ...(cpus !== undefined && { cpus }) },
    }),
  };
}

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
