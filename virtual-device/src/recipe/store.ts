import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { writeFileDurably } from '../durable-file.js';
import { DeviceError, messageOf } from '../errors.js';
import { parseRecipe, type Recipe } from './recipe.js';

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/** The device's recipes, in `packages/recipes`: one file a component version. */
export class RecipeStore {
  constructor(private readonly folder: string) {}

  /**
   * Takes every recipe of a folder (`<name>-<version>.yaml`, `.yml` or `.json`) into the store.
   *
   * @throws DeviceError RECIPE_INVALID; then nothing was taken
   */
  importFolder(path: string): Recipe[] {
    const recipes = readFolder(path);
    for (const { recipe, text, extension } of recipes) {
      const stem = `${recipe.name}-${recipe.version}`;
      // In this order, so that there is a recipe at every instant.
      writeFileDurably(join(this.folder, `${stem}${extension}`), text);
      for (const other of EXTENSIONS.filter((candidate) => candidate !== extension)) {
        rmSync(join(this.folder, `${stem}${other}`), { force: true });
      }
    }
    return recipes.map(({ recipe }) => recipe);
  }

  /** The recipes of a component, in no order. */
  versionsOf(name: string): Recipe[] {
    return readFolder(this.folder, (file) => file.startsWith(`${name}-`))
      .map(({ recipe }) => recipe)
      .filter((recipe) => recipe.name === name);
  }

  find(name: string, version: string): Recipe | undefined {
    return this.versionsOf(name).find((recipe) => recipe.version === version);
  }
}

function readFolder(path: string, wanted: (file: string) => boolean = () => true) {
  let files: string[];
  try {
    files = readdirSync(path).sort();
  } catch (error) {
    throw new DeviceError('RECIPE_INVALID', `The recipe folder ${path} cannot be read: ${messageOf(error)}`);
  }
  return files
    .filter((file) => EXTENSIONS.includes(extname(file)) && !file.startsWith('.') && wanted(file))
    .map((file) => {
      const text = readFileSync(join(path, file), 'utf8');
      const recipe = parseRecipe(text, file);
      const stem = basename(file, extname(file));
      if (stem !== `${recipe.name}-${recipe.version}`) {
        throw new DeviceError(
          'RECIPE_INVALID',
          `The recipe ${file} is of ${recipe.name} ${recipe.version}; its file must be named ${recipe.name}-${recipe.version}${extname(file)}.`,
        );
      }
      return { recipe, text, extension: extname(file) };
    });
}
