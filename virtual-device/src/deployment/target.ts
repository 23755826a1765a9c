import { z } from 'zod';
import type { EffectiveConfig } from '../config/effective-config.js';
import { DeviceError } from '../errors.js';
import type { JsonValue, LocalDeploymentRequest } from '../ipc/capabilities.js';
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
import { resolveComponents } from '../recipe/resolution.js';

/** The group that the nucleus files local deployments under. */
export const LOCAL_GROUP = 'LOCAL_DEPLOYMENT';

export type Groups = EffectiveConfig['groups'];

/** What a deployment wants: root components by group, and every component with recipe and configuration. */
export interface Target {
  readonly groups: Groups;
  /** Dependencies before what depends on them. */
  readonly set: ReadonlyMap<string, { recipe: Recipe; configuration: JsonObject }>;
}

export interface TargetInput {
  readonly current: EffectiveConfig;
  readonly request: LocalDeploymentRequest;
  recipes(name: string): readonly Recipe[];
  readonly provided: ReadonlyMap<string, string>;
}

/**
 * What a local deployment asks for, given what is in force.
 *
 * @throws DeviceError DEPLOYMENT_INVALID
 */
export function targetOf({ current, request, recipes, provided }: TargetInput): Target {
  const groups = changedGroups(current.groups, request);
  const roots = new Map<string, string>();
  for (const members of Object.values(groups)) {
    for (const [name, { version }] of Object.entries(members)) {
      roots.set(name, [roots.get(name), normalizeRequirement(version)].filter(Boolean).join(' '));
    }
  }
  const resolved = resolveComponents({
    roots,
    recipes,
    provided,
    active: (name) =>
      Object.hasOwn(current.components, name) ? current.components[name]?.version : undefined,
  });
  const updates = new Map(Object.entries(request.componentToConfiguration ?? {}));
  const stranger = [...updates.keys()].find((name) => !resolved.has(name));
  if (stranger !== undefined) {
    throw new DeviceError(
      'DEPLOYMENT_INVALID',
      `Configuration is given for ${stranger}, which is not deployed.`,
    );
  }
  const set = new Map<string, { recipe: Recipe; configuration: JsonObject }>();
  for (const [name, recipe] of resolved) {
    const existing = Object.hasOwn(current.components, name)
      ? current.components[name]?.configuration
      : undefined;
    set.set(name, { recipe, configuration: configurationOf(recipe, existing, updates.get(name)) });
  }
  return { groups, set };
}

function changedGroups(groups: Groups, request: LocalDeploymentRequest): Groups {
  const name = request.groupName ?? LOCAL_GROUP;
  const members = { ...groups[name] };
  for (const component of request.rootComponentsToRemove ?? []) delete members[component];
  for (const [component, version] of Object.entries(request.rootComponentVersionsToAdd ?? {})) {
    members[component] = { version };
  }
  return { ...groups, [name]: members };
}

const ConfigurationUpdate = z.strictObject({
  MERGE: z.record(z.string(), z.json()).optional(),
  RESET: z.array(z.string()).optional(),
});

/**
 * A component's configuration after a deployment: what it was, over the recipe's defaults; then `RESET`
 * puts the values at its pointers back to their defaults, then `MERGE` is laid over it.
 *
 * @throws DeviceError DEPLOYMENT_INVALID when the update is not `{"MERGE": {…}, "RESET": ["/pointer"]}`
 */
export function configurationOf(
  recipe: Recipe,
  existing: JsonValue | undefined,
  update: JsonValue | undefined,
): JsonObject {
  const defaults = recipe.defaultConfiguration;
  let configuration = merge(defaults, isJsonObject(existing) ? existing : {});
  if (update === undefined) return configuration;
  const parsed = ConfigurationUpdate.safeParse(
    isJsonObject(update)
      ? Object.fromEntries(Object.entries(update).map(([key, value]) => [key.toUpperCase(), value]))
      : update,
  );
  if (!parsed.success) {
    throw new DeviceError(
      'DEPLOYMENT_INVALID',
      `The configuration update of ${recipe.name} must be {"MERGE": {…}, "RESET": ["/json/pointer"]}.`,
    );
  }
  for (const pointer of parsed.data.RESET ?? []) {
    const path = parsePointer(pointer);
    if (!path)
      throw new DeviceError('DEPLOYMENT_INVALID', `RESET of ${recipe.name}: ${pointer} is no JSON pointer.`);
    const byDefault = valueAt(defaults, path);
    if (path.length === 0) configuration = defaults;
    else if (byDefault === undefined) configuration = withoutValueAt(configuration, path);
    else configuration = withValueAt(configuration, path, byDefault);
  }
  return merge(configuration, parsed.data.MERGE ?? {});
}
