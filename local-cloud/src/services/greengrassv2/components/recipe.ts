import { parse as parseYaml, stringify } from 'yaml';
import { z } from 'zod';
import { invalidInput } from '../errors.js';
import type { Platform } from './platform.js';
import { isComponentVersion, parseRequirement } from './versions.js';

/** Bytes of a recipe (AWS IoT Greengrass V2 quotas). */
const LARGEST_RECIPE = 16_000;
/** How deep objects and lists may be in each other. */
const DEEPEST = 64;

export const COMPONENT_NAME = /^[a-zA-Z0-9-_.]+$/;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * A component recipe of format 2020-01-25 as Greengrass keeps it: keys spelled as in the recipe reference, defaults
 * filled in.
 */
export interface Recipe {
  readonly RecipeFormatVersion: '2020-01-25';
  readonly ComponentName: string;
  readonly ComponentVersion: string;
  readonly ComponentType: string;
  readonly ComponentDescription?: string;
  readonly ComponentPublisher?: string;
  readonly ComponentSource?: string;
  readonly ComponentConfiguration?: { readonly DefaultConfiguration?: JsonObject };
  readonly ComponentDependencies?: Readonly<Record<string, Dependency>>;
  readonly Manifests: readonly Manifest[];
  readonly Lifecycle: JsonObject;
}

export interface JsonObject {
  readonly [key: string]: Json;
}

export interface Dependency {
  readonly VersionRequirement: string;
  readonly DependencyType: 'HARD' | 'SOFT';
}

export interface Manifest {
  readonly Name?: string;
  readonly Platform: Platform;
  readonly Lifecycle: JsonObject;
  readonly Selections?: readonly string[];
  readonly Artifacts: readonly Artifact[];
}

export interface Artifact {
  readonly Uri: string;
  /** Base64 of what `Algorithm` gives; of artifacts in S3 and of AWS. */
  readonly Digest?: string;
  readonly Algorithm?: string;
  readonly Unarchive: 'NONE' | 'ZIP';
  readonly Permission: { readonly Read: Access; readonly Execute: Access };
}

type Access = 'NONE' | 'OWNER' | 'ALL';

/**
 * Reads a recipe in YAML or JSON (which is YAML); keys that the format names are taken in any case, as Greengrass does.
 *
 * @throws ValidationException naming every key that is missing, wrong or unknown.
 */
export function parseRecipe(bytes: Uint8Array): Recipe {
  if (bytes.length > LARGEST_RECIPE) {
    throw invalidInput(`The recipe has ${bytes.length} bytes; it can have at most ${LARGEST_RECIPE}`);
  }
  let document: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    document = parseYaml(text, { logLevel: 'error', maxAliasCount: 100 });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw invalidInput(`The recipe is not valid YAML or JSON: ${reason}`);
  }
  if (!isJson(document, DEEPEST)) {
    throw invalidInput(`The recipe has values that JSON has not, or is nested deeper than ${DEEPEST} levels`);
  }
  const result = recipeSchema.safeParse(document, { reportInput: true });
  if (result.success) return withoutUndefined(result.data);
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.join('.') || 'recipe';
    if (issue.code === 'unrecognized_keys') return `${where} has no key ${issue.keys.join(', ')}`;
    const missing = issue.code === 'invalid_type' && issue.input === undefined;
    return missing ? `${where} is missing` : `${where}: ${issue.message}`;
  });
  throw invalidInput(`The recipe is not valid: {${problems.join('; ')}}`);
}

/** The recipe's text as Greengrass gives it out. */
export function recipeText(recipe: Recipe, format: 'JSON' | 'YAML'): string {
  return format === 'JSON' ? JSON.stringify(recipe, undefined, 2) : stringify(recipe, { lineWidth: 0 });
}

/** The platforms that a component says it runs on; a manifest that asks for nothing is left out. */
export function platformsOf(recipe: Recipe): { name?: string; attributes: Platform }[] {
  return recipe.Manifests.filter(({ Platform: wanted }) => Object.keys(wanted).length > 0).map(
    ({ Name, Platform: attributes }) => ({ ...(Name === undefined ? {} : { name: Name }), attributes }),
  );
}

/** An object with just these keys, which may be written in any case. */
function keyed<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  return z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [names.get(name.toLowerCase()) ?? name, member]),
    );
  }, z.strictObject(shape));
}

const upperCase = (value: unknown) => (typeof value === 'string' ? value.toUpperCase() : value);
const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);
/** YAML reads `2.0` and `true` as what they look like. */
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const description = text.nullish().transform((value) => value ?? undefined);
const orNothing = <T>(value: T | null | undefined) => value ?? undefined;
const access = (otherwise: Access) =>
  z.preprocess(upperCase, z.enum(['NONE', 'OWNER', 'ALL']).default(otherwise));

const name = z
  .string()
  .min(1)
  .max(128)
  .regex(COMPONENT_NAME, 'can only have letters, digits, "-", "_" and "."');

const artifact = keyed({
  Uri: z.string().min(1),
  Digest: description,
  Algorithm: description,
  Unarchive: z.preprocess(upperCase, z.enum(['NONE', 'ZIP']).default('NONE')),
  Permission: keyed({ Read: access('OWNER'), Execute: access('NONE') })
    .nullish()
    .transform((permission) => permission ?? { Read: 'OWNER' as const, Execute: 'NONE' as const }),
});

const manifest = keyed({
  Name: description,
  Platform: z
    .record(z.string(), text)
    .nullish()
    .transform((platform) => platform ?? {}),
  Lifecycle: object.nullish().transform((lifecycle) => lifecycle ?? {}),
  Selections: z.array(z.string()).nullish().transform(orNothing),
  Artifacts: z
    .array(artifact)
    .nullish()
    .transform((artifacts) => artifacts ?? []),
});

const dependency = keyed({
  VersionRequirement: text.refine(
    (requirement) => parseRequirement(requirement) !== undefined,
    'must be a version requirement as npm writes them',
  ),
  DependencyType: z.preprocess(upperCase, z.enum(['HARD', 'SOFT']).default('HARD')),
});

const recipeSchema = keyed({
  RecipeFormatVersion: z.literal('2020-01-25'),
  ComponentName: name,
  ComponentVersion: text.refine(
    isComponentVersion,
    'must be a semantic version (major.minor.patch, each at most 999999, 64 characters in all)',
  ),
  ComponentType: z
    .enum([
      'aws.greengrass.generic',
      'aws.greengrass.lambda',
      'aws.greengrass.plugin',
      'aws.greengrass.nucleus',
    ])
    .nullish()
    .transform((type) => type ?? ('aws.greengrass.generic' as const)),
  ComponentDescription: description,
  ComponentPublisher: description,
  ComponentSource: description,
  ComponentConfiguration: keyed({ DefaultConfiguration: object.nullish().transform(orNothing) })
    .nullish()
    .transform(orNothing),
  ComponentDependencies: z.record(name, dependency).nullish().transform(orNothing),
  Manifests: z
    .array(manifest)
    .nullish()
    .transform((manifests) => manifests ?? []),
  Lifecycle: object.nullish().transform((lifecycle) => lifecycle ?? {}),
});

/** Whether a value is what JSON can write, at most so deep. */
function isJson(value: unknown, depth: number): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object': {
      if (value === null) return true;
      if (depth === 0) return false;
      if (Array.isArray(value)) return value.every((item) => isJson(item, depth - 1));
      if (Object.getPrototypeOf(value) !== Object.prototype) return false;
      return Object.values(value).every((item) => isJson(item, depth - 1));
    }
    default:
      return false;
  }
}

/** The same without members that are undefined, which the store and YAML would write. */
function withoutUndefined(recipe: z.infer<typeof recipeSchema>): Recipe {
  return JSON.parse(JSON.stringify(recipe)) as Recipe;
}
