import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { writeFileDurably } from '../durable-file.js';
import { DeviceError, messageOf } from '../errors.js';
import { parseRecipe, type Recipe } from './recipe.js';

const EXTENSIONS = ['.yaml', '.yml', '.json'];
/**
 * Beside each recipe: the SHA-256 of what was saved, so that a recipe changed by another hand is seen, and in a second
 * line the ARN of the component version that it came from.
 */
const DIGEST = '.sha256';

/** A recipe as a file has it. */
export interface RecipeFile {
  readonly recipe: Recipe;
  readonly text: string;
  readonly extension: string;
  /** Of the component version in the cloud that the recipe came from. */
  readonly arn?: string | undefined;
}

/** The device's recipes, in `packages/recipes`: one file a component version, and its digest. */
export class RecipeStore {
  constructor(private readonly folder: string) {}

  /**
   * The recipes of a component, in no order, without those that are damaged.
   *
   * @param onDamaged told each recipe that is not what was saved
   */
  versionsOf(name: string, onDamaged: (error: DeviceError) => void = () => {}): Recipe[] {
    const files = readdirSync(this.folder).filter(
      (file) => isRecipeFile(file) && file.startsWith(`${name}-`),
    );
    return files.flatMap((file) => {
      try {
        const recipe = this.#read(file);
        return recipe.name === name ? [recipe] : [];
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        onDamaged(error);
        return [];
      }
    });
  }

  /**
   * The recipe of a component version; undefined when there is none.
   *
   * @throws DeviceError RECIPE_INVALID when it is not what was saved
   */
  find(name: string, version: string): Recipe | undefined {
    const path = this.pathsOf(name, version).find((candidate) => existsSync(candidate));
    return path === undefined ? undefined : this.#read(basename(path));
  }

  /** Whether a recipe is there with exactly this text. */
  has({ recipe, text }: RecipeFile): boolean {
    return this.pathsOf(recipe.name, recipe.version).some((path) => {
      return existsSync(path) && readFileSync(path, 'utf8') === text && existsSync(digestPath(path));
    });
  }

  /** The ARN of the component version in the cloud that a recipe came from. */
  arnOf(name: string, version: string): string | undefined {
    const path = this.pathsOf(name, version).find((candidate) => existsSync(candidate));
    if (path === undefined || !existsSync(digestPath(path))) return undefined;
    return readFileSync(digestPath(path), 'utf8').split('\n')[1] || undefined;
  }

  /** Whether a component version has a recipe. */
  knows(name: string, version: string): boolean {
    return this.pathsOf(name, version).some((path) => existsSync(path));
  }

  /** Saves a recipe of which there is none yet. */
  add(file: RecipeFile): void {
    for (const { path, content } of this.filesOf(file)) writeFileDurably(path, content);
  }

  /** The files that a recipe is kept in, in the order in which they may be written. */
  filesOf({ recipe, text, extension, arn }: RecipeFile): { path: string; content: string }[] {
    const path = join(this.folder, `${recipe.name}-${recipe.version}${extension}`);
    return [
      { path: digestPath(path), content: `${digestOf(text)}\n${arn ?? ''}\n` },
      { path, content: text },
    ];
  }

  /** Every file that a recipe of the component version may be in. */
  pathsOf(name: string, version: string): string[] {
    return EXTENSIONS.map((extension) => join(this.folder, `${name}-${version}${extension}`));
  }

  /** Removes all recipes but those that are to be kept. */
  prune(keep: (name: string, version: string) => boolean): void {
    for (const file of readdirSync(this.folder).filter(isRecipeFile)) {
      let recipe: Recipe;
      try {
        recipe = this.#read(file);
      } catch {
        continue; // Kept for whoever wants to know what damaged it.
      }
      if (keep(recipe.name, recipe.version)) continue;
      const path = join(this.folder, file);
      for (const each of [path, digestPath(path)]) rmSync(each, { force: true });
    }
  }

  #read(file: string): Recipe {
    const path = join(this.folder, file);
    const text = readFileSync(path, 'utf8');
    const digest = digestPath(path);
    if (existsSync(digest) && readFileSync(digest, 'utf8').split('\n')[0] !== digestOf(text)) {
      throw new DeviceError(
        'RECIPE_INVALID',
        `The recipe ${file} is not what was saved: its digest differs.`,
      );
    }
    return parseRecipe(text, file);
  }
}

/**
 * Reads a developer's folder of recipes (`<name>-<version>.yaml`, `.yml` or `.json`).
 *
 * @throws DeviceError RECIPE_INVALID
 */
export function readRecipeFolder(path: string): RecipeFile[] {
  let files: string[];
  try {
    files = readdirSync(path).sort();
  } catch (error) {
    throw new DeviceError('RECIPE_INVALID', `The recipe folder ${path} cannot be read: ${messageOf(error)}`);
  }
  return files.filter(isRecipeFile).map((file) => {
    const text = readFileSync(join(path, file), 'utf8');
    const recipe = parseRecipe(text, file);
    const extension = extname(file);
    const stem = `${recipe.name}-${recipe.version}`;
    if (basename(file, extension) !== stem) {
      throw new DeviceError(
        'RECIPE_INVALID',
        `The recipe ${file} is of ${recipe.name} ${recipe.version}; its file must be named ${stem}${extension}.`,
      );
    }
    return { recipe, text, extension };
  });
}

function isRecipeFile(file: string): boolean {
  return EXTENSIONS.includes(extname(file)) && !file.startsWith('.');
}

function digestPath(path: string): string {
  return `${path}${DIGEST}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
