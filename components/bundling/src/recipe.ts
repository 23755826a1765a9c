import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { BundleError } from './errors.js';

/** The recipe of a component, as its folder has it. */
export interface Recipe {
  readonly name: string;
  readonly version: string;
  readonly text: string;
}

/** Reads a `recipe.yaml`. @throws BundleError `RECIPE` */
export async function readRecipe(path: string): Promise<Recipe> {
  const text = await readFile(path, 'utf8');
  const recipe = RecipeHead.safeParse(parse(text));
  if (!recipe.success) {
    const [issue] = recipe.error.issues;
    throw new BundleError('RECIPE', `${path} is no recipe: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return { name: recipe.data.ComponentName, version: recipe.data.ComponentVersion, text };
}

/** @returns the recipe's text with the artifacts in this bucket */
export function inBucket(recipe: Recipe, bucket: string | undefined): string {
  return bucket ? recipe.text.replaceAll('s3://BUCKET_NAME/', `s3://${bucket}/`) : recipe.text;
}

/** Component recipe reference, AWS IoT Greengrass V2 Developer Guide. */
const RecipeHead = z.object({
  RecipeFormatVersion: z.literal('2020-01-25'),
  ComponentName: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/),
  ComponentVersion: z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/),
});
