import { parse as parseSemver, validRange } from 'semver';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeIssues } from '../config/issues.js';
import { DeviceError, messageOf } from '../errors.js';
import type { JsonObject } from '../json.js';
import { canonicalKeys } from './keys.js';

const JsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), z.json());

const ComponentName = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9-_.]+$/, 'only letters, digits, "-", "_" and "." are allowed')
  .refine((name) => name !== '.' && name !== '..', 'is not a name');

const ComponentVersion = z
  .string()
  .max(64)
  .refine(
    (version) => {
      const semver = parseSemver(version);
      return semver !== null && Math.max(semver.major, semver.minor, semver.patch) <= 999_999;
    },
    { error: 'is not a semantic version (major.minor.patch, each at most six digits)' },
  );

const VersionRequirement = z
  .string()
  .transform(normalizeRequirement)
  .refine((range) => validRange(range) !== null, { error: 'is not a version range' });

const upperCase = (value: unknown) => (typeof value === 'string' ? value.toUpperCase() : value);

const DependencySchema = canonicalKeys(
  z.object({
    VersionRequirement: VersionRequirement.default('*'),
    DependencyType: z.preprocess(upperCase, z.enum(['HARD', 'SOFT']).default('HARD')),
  }),
);

const ArtifactSchema = canonicalKeys(
  z.object({
    Uri: z.string().min(1),
    Unarchive: z.preprocess(upperCase, z.enum(['NONE', 'ZIP']).default('NONE')),
    Digest: z.string().optional(),
    Algorithm: z.string().optional(),
    Permission: canonicalKeys(
      z.object({
        Read: z.preprocess(upperCase, z.enum(['NONE', 'OWNER', 'ALL']).default('OWNER')),
        Execute: z.preprocess(upperCase, z.enum(['NONE', 'OWNER', 'ALL']).default('NONE')),
      }),
    ).optional(),
  }),
);

const ManifestSchema = canonicalKeys(
  z.object({
    Name: z.string().nullish(),
    Platform: JsonObjectSchema.nullish().transform((platform) => platform ?? {}),
    Lifecycle: JsonObjectSchema.nullish().transform((lifecycle) => lifecycle ?? {}),
    Selections: z
      .array(z.string())
      .nullish()
      .transform((selections) => selections ?? []),
    Artifacts: z
      .array(ArtifactSchema)
      .nullish()
      .transform((artifacts) => artifacts ?? []),
  }),
);

const RecipeSchema = canonicalKeys(
  z.object({
    RecipeFormatVersion: z.literal('2020-01-25'),
    ComponentName,
    ComponentVersion,
    ComponentType: z
      .string()
      .nullish()
      .transform((type) => type ?? 'aws.greengrass.generic'),
    ComponentDescription: z.string().nullish(),
    ComponentPublisher: z.string().nullish(),
    ComponentConfiguration: canonicalKeys(
      z.object({ DefaultConfiguration: JsonObjectSchema.nullish().transform((value) => value ?? {}) }),
    ).nullish(),
    ComponentDependencies: z.record(ComponentName, DependencySchema).nullish(),
    Manifests: z.array(ManifestSchema).nullish(),
    Lifecycle: JsonObjectSchema.nullish(),
  }),
);

export interface Dependency {
  /** A range as npm writes them. */
  readonly requirement: string;
  readonly type: 'HARD' | 'SOFT';
}

export type Artifact = z.infer<typeof ArtifactSchema>;
export type Manifest = z.infer<typeof ManifestSchema>;

/** A component's recipe, format 2020-01-25. */
export interface Recipe {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly defaultConfiguration: JsonObject;
  readonly dependencies: Readonly<Record<string, Dependency>>;
  readonly manifests: readonly Manifest[];
  readonly lifecycle: JsonObject;
}

/**
 * Parses a recipe, in YAML or JSON (which is YAML). Keys that the format names are taken in any case.
 *
 * @param file named in errors
 * @throws DeviceError RECIPE_INVALID naming the file and each bad or missing key
 */
export function parseRecipe(text: string, file: string): Recipe {
  let document: unknown;
  try {
    document = parseYaml(text, { logLevel: 'error', maxAliasCount: 100 });
  } catch (error) {
    throw new DeviceError(
      'RECIPE_INVALID',
      `The recipe ${file} is not YAML or JSON: ${messageOf(error).split('\n')[0]}`,
    );
  }
  const result = RecipeSchema.safeParse(document ?? {}, { reportInput: true });
  if (!result.success) throw new DeviceError('RECIPE_INVALID', describeIssues(file, result.error.issues));
  const recipe = result.data;
  return {
    name: recipe.ComponentName,
    version: recipe.ComponentVersion,
    type: recipe.ComponentType,
    defaultConfiguration: recipe.ComponentConfiguration?.DefaultConfiguration ?? {},
    dependencies: Object.fromEntries(
      Object.entries(recipe.ComponentDependencies ?? {}).map(([name, dependency]) => [
        name,
        { requirement: dependency.VersionRequirement, type: dependency.DependencyType },
      ]),
    ),
    manifests: recipe.Manifests ?? [],
    lifecycle: recipe.Lifecycle ?? {},
  };
}

/** Greengrass writes an exact version also as `==1.0.0`. */
export function normalizeRequirement(requirement: string): string {
  return requirement.replaceAll('==', '=').trim();
}
