import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ComponentRecord } from '../config/effective-config.js';
import { DeviceError } from '../errors.js';
import type { JsonObject } from '../json.js';
import { isJsonObject } from '../json.js';
import type { Layout } from '../layout.js';
import { type ComponentVariables, interpolateJson, type Variables } from '../recipe/interpolation.js';
import { type Lifecycle, parseLifecycle } from '../recipe/lifecycle.js';
import { currentPlatform, lifecycleOf, selectManifest } from '../recipe/platform.js';
import type { Artifact, Recipe } from '../recipe/recipe.js';

/** A component as it is to run on this device: its recipe's manifest chosen and its variables replaced. */
export interface ComponentSpec {
  readonly name: string;
  readonly version: string;
  /** Dependencies on other components of the device, by name. */
  readonly dependencies: Readonly<Record<string, 'HARD' | 'SOFT'>>;
  readonly configuration: JsonObject;
  readonly lifecycle: Lifecycle;
  /** Whether the device itself is the component: it has no process. */
  readonly isBuiltIn: boolean;
  readonly artifacts: readonly Artifact[];
  /** Changes whenever a file of its artifacts does. */
  readonly artifactsDigest: string;
  /** What its recipe's variables stand for now. */
  readonly variables: Variables;
  /** As whom, and with how much of the machine, a deployment wants it to run. */
  readonly runWith?: ComponentRecord['runWith'];
}

/** A component of the set that is to be in force. */
export interface SetMember {
  readonly recipe: Recipe;
  readonly configuration: JsonObject;
  readonly runWith?: ComponentRecord['runWith'];
}

/** Types of components that are the nucleus's own code. */
const WITHIN_NUCLEUS = ['aws.greengrass.plugin', 'aws.greengrass.nucleus'];

export interface SpecInput {
  readonly layout: Layout;
  readonly thingName: string;
  /** `platformOverride` of the nucleus's configuration. */
  readonly platformOverride?: Readonly<Record<string, unknown>> | undefined;
  /** All components of the set, with their configuration. */
  readonly set: ReadonlyMap<string, SetMember>;
}

/**
 * Makes a component's spec.
 *
 * @throws DeviceError RECIPE_INVALID when no manifest is for this platform, its lifecycle is malformed, or it is a
 *   Lambda function
 */
export function specOf(name: string, input: SpecInput): ComponentSpec {
  const member = input.set.get(name);
  if (!member) throw new DeviceError('DEPLOYMENT_INVALID', `${name} is not among the device's components.`);
  const { recipe, configuration } = member;
  const platform = currentPlatform(input.platformOverride);
  const manifest = selectManifest(recipe, platform);
  if (!manifest) {
    const words = Object.values(platform).join(' ');
    throw new DeviceError(
      'RECIPE_INVALID',
      `${name} ${recipe.version} has no manifest for this platform (${words}).`,
    );
  }
  if (recipe.type.toLowerCase() === 'aws.greengrass.lambda') {
    throw new DeviceError(
      'RECIPE_INVALID',
      `${name} ${recipe.version} is a Lambda function, which this device cannot run; make it a generic component.`,
    );
  }
  const isBuiltIn = WITHIN_NUCLEUS.includes(recipe.type.toLowerCase());
  const variables = variablesOf(recipe, input);
  const section = interpolateJson(lifecycleOf(recipe, manifest), variables);
  return {
    name,
    version: recipe.version,
    dependencies: Object.fromEntries(
      Object.entries(recipe.dependencies)
        .filter(([dependency]) => input.set.has(dependency))
        .map(([dependency, { type }]) => [dependency, type]),
    ),
    configuration,
    lifecycle: isBuiltIn ? {} : parseLifecycle(isJsonObject(section) ? section : {}, name),
    isBuiltIn,
    artifacts: isBuiltIn ? [] : manifest.Artifacts,
    artifactsDigest: digestOf(input.layout.artifacts(name, recipe.version)),
    variables,
    ...(member.runWith && { runWith: member.runWith }),
  };
}

function variablesOf(recipe: Recipe, input: SpecInput): Variables {
  const { layout, set, thingName } = input;
  const visible = new Set([recipe.name, ...Object.keys(recipe.dependencies)]);
  return {
    self: recipe.name,
    thingName,
    rootPath: layout.root,
    component(name): ComponentVariables | undefined {
      const member = visible.has(name) ? set.get(name) : undefined;
      return (
        member && {
          configuration: member.configuration,
          artifactsPath: layout.artifacts(name, member.recipe.version),
          decompressedPath: layout.unarchivedArtifacts(name, member.recipe.version),
          workPath: layout.work(name),
        }
      );
    },
  };
}

/** A digest of a folder's files; of an absent folder too. */
function digestOf(folder: string): string {
  const hash = createHash('sha256');
  let files: string[] = [];
  try {
    files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch {
    // A component without artifacts.
  }
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}
