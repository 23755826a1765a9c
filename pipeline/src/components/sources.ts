import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { explain, MooringError } from '../errors.js';
import { type Instruction, parseDockerfile } from './dockerfile.js';

/** A component as its folder has it. */
export interface ComponentSource {
  /** The folder's name. */
  readonly folder: string;
  readonly path: string;
  /** ComponentName. */
  readonly name: string;
  /** ComponentVersion. */
  readonly version: string;
  readonly recipe: string;
  /** The Dockerfile, when the component is a container. */
  readonly image:
    | { readonly text: string; readonly file: string; readonly instructions: Instruction[] }
    | undefined;
  /** Files that the recipe takes from the artifact bucket. */
  readonly artifacts: readonly { readonly name: string; readonly path: string }[];
}

/**
 * Reads the components of a folder of sources: its folders with a `recipe.yaml`.
 *
 * @param only names of components or of their folders; all unless given
 * @throws MooringError `RecipeInvalid`, `DockerfileInvalid`, `ComponentUnknown`
 */
export async function readSources(root: string, only?: readonly string[]): Promise<ComponentSource[]> {
  const found = (await Promise.all((await foldersOf(root)).map((folder) => readRecipe(root, folder)))).filter(
    (recipe) => recipe !== undefined,
  );
  const wanted = only?.length ? only : found.map(({ name }) => name);
  const unknown = wanted.find((name) => !found.some((recipe) => isCalled(recipe, name)));
  if (unknown !== undefined) {
    throw new MooringError(
      'ComponentUnknown',
      `There is no component ${unknown} in ${root}; there are ${found.map(({ name }) => name).join(', ')}`,
    );
  }
  const chosen = found.filter((recipe) => wanted.some((name) => isCalled(recipe, name)));
  return Promise.all(chosen.map(readSource));
}

interface FoundRecipe {
  readonly folder: string;
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly text: string;
}

function isCalled({ folder, name }: FoundRecipe, wanted: string): boolean {
  return name === wanted || folder === wanted;
}

async function foldersOf(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    throw new MooringError('SourceMissing', `The components' sources cannot be read: ${explain(error)}`, {
      cause: error,
    });
  }
}

async function readRecipe(root: string, folder: string): Promise<FoundRecipe | undefined> {
  const path = join(root, folder);
  const text = await textOf(join(path, 'recipe.yaml'));
  if (text === undefined) return undefined;
  try {
    const { ComponentName: name, ComponentVersion: version } = RecipeHead.parse(parse(text));
    return { folder, path, name, version, text };
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : explain(error);
    throw new MooringError('RecipeInvalid', `${join(path, 'recipe.yaml')} is no recipe: ${why}`);
  }
}

/** Component recipe reference, AWS IoT Greengrass V2 Developer Guide. */
const RecipeHead = z.object({
  RecipeFormatVersion: z.literal('2020-01-25'),
  ComponentName: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/),
  ComponentVersion: z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/),
});

async function readSource({
  folder,
  path,
  name,
  version,
  text: recipe,
}: FoundRecipe): Promise<ComponentSource> {
  const file = join(path, 'Dockerfile');
  const text = await textOf(file);
  const isContainer = recipe.includes('docker:IMAGE_URI');
  if (isContainer !== (text !== undefined)) {
    throw new MooringError(
      'RecipeInvalid',
      isContainer
        ? `The recipe of ${name} has the artifact docker:IMAGE_URI, and there is no ${file} to build it of`
        : `There is ${file}, and the recipe of ${name} has no artifact docker:IMAGE_URI`,
    );
  }
  const artifacts = [...new Set([...recipe.matchAll(ARTIFACT)].map(([, key = '']) => key))].map((key) => {
    const prefix = `${name}/${version}/`;
    if (!key.startsWith(prefix) || basename(key) !== key.slice(prefix.length)) {
      throw new MooringError(
        'RecipeInvalid',
        `The recipe of ${name} has the artifact s3://BUCKET_NAME/${key}; it shall be s3://BUCKET_NAME/${prefix}<file>`,
      );
    }
    return { name: basename(key), path: join(path, 'artifacts', basename(key)) };
  });
  for (const artifact of artifacts) {
    if ((await textOf(artifact.path)) !== undefined) continue;
    throw new MooringError(
      'RecipeInvalid',
      `The recipe of ${name} has the artifact ${artifact.name}, and there is no ${artifact.path}`,
    );
  }
  return {
    folder,
    path,
    name,
    version,
    recipe,
    image: text === undefined ? undefined : { text, file, instructions: parseDockerfile(text, file) },
    artifacts,
  };
}

const ARTIFACT = /s3:\/\/BUCKET_NAME\/([^\s"']+)/g;

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}
