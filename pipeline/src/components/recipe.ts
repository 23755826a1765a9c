import { objectKeys } from '@mooring/contracts';
import { parse } from 'yaml';
import { z } from 'zod';
import { MooringError } from '../errors.js';

/** What a recipe leaves open until its component is published. */
export interface RecipeFacts {
  readonly name: string;
  readonly version: string;
  /** `host[:port]/repository@sha256:…`; components without an image have none. */
  readonly image: string | undefined;
  /** The artifact bucket. */
  readonly bucket: string;
}

const Recipe = z.looseObject({ ComponentName: z.string() });

/** In the recipes of the repository: `s3://BUCKET_NAME/<component>/<version>/<file>`. */
const ARTIFACT = /^s3:\/\/BUCKET_NAME\/[^/]+\/[^/]+\/(.+)$/;

/**
 * Fills in a recipe's placeholders: `IMAGE_URI` wherever it stands, the bucket and the version in the artifacts'
 * addresses, and the component's version.
 *
 * @param recipe YAML or JSON text of recipe format 2020-01-25.
 * @returns the recipe as JSON text.
 * @throws MooringError `InvalidRecipe` when it is none, is another component's, or needs what is not there.
 */
export function fillRecipe(recipe: string, facts: RecipeFacts): string {
  const fail = (problem: string): never => {
    throw new MooringError('InvalidRecipe', `The recipe of ${facts.name} ${problem}`);
  };
  let document: unknown;
  try {
    document = parse(recipe, { logLevel: 'error' });
  } catch (error) {
    fail(`is not YAML: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`);
  }
  const parsed = Recipe.safeParse(document);
  if (!parsed.success) return fail('has no ComponentName');
  if (parsed.data.ComponentName !== facts.name) fail(`names another component, ${parsed.data.ComponentName}`);
  const fill = (text: string): string => {
    const file = ARTIFACT.exec(text)?.[1];
    if (file !== undefined) {
      return `s3://${facts.bucket}/${objectKeys.componentArtifact(facts.name, facts.version, file)}`;
    }
    if (text.includes('IMAGE_URI') && facts.image === undefined) fail('has IMAGE_URI in it, but no image');
    return text.replaceAll('IMAGE_URI', facts.image ?? '').replaceAll('BUCKET_NAME', facts.bucket);
  };
  const filled = mapStrings(parsed.data, fill);
  return JSON.stringify({ ...Object(filled), ComponentVersion: facts.version }, null, 1);
}

/** A copy of a JSON value with every string in it replaced; names of members stay. */
function mapStrings(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, mapStrings(member, replace)]),
  );
}
