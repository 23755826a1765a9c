import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DeviceError, messageOf } from '../errors.js';
import type { Layout } from '../layout.js';
import type { Recipe } from '../recipe/recipe.js';
import { type RecipeFile, type RecipeStore, readRecipeFolder } from '../recipe/store.js';
import type { PackageStaging } from './package-changes.js';

/**
 * The package store as it is to be after the deployment: what is new to the store goes into it at once, what
 * takes the place of something is staged until the deployment's change is committed.
 */
export class PackageOverlay {
  readonly #staged = new Map<string, RecipeFile>();

  constructor(
    private readonly layout: Layout,
    private readonly recipes: RecipeStore,
    private readonly staging: PackageStaging,
  ) {}

  /** Takes every recipe of a developer's folder. @throws DeviceError RECIPE_INVALID; then none was taken */
  importRecipes(folder: string): void {
    for (const file of readRecipeFolder(folder)) this.putRecipe(file);
  }

  /**
   * Takes the artifacts of a folder `<component>/<version>/<file>`; a version's folder is replaced as a whole.
   *
   * @throws DeviceError ARTIFACT_INVALID
   */
  importArtifacts(folder: string): void {
    try {
      for (const component of subfolders(folder)) {
        for (const version of subfolders(join(folder, component))) {
          const source = join(folder, component, version);
          const target = this.layout.artifacts(component, version);
          if (sameFiles(source, target)) continue;
          this.staging.stage(target, (fresh) =>
            cpSync(source, fresh, { recursive: true, dereference: true }),
          );
          this.staging.stage(this.layout.unarchivedArtifacts(component, version), (fresh) =>
            mkdirSync(fresh, { recursive: true }),
          );
        }
      }
    } catch (error) {
      throw new DeviceError(
        'ARTIFACT_INVALID',
        `The artifacts in ${folder} cannot be copied: ${messageOf(error)}`,
      );
    }
  }

  putRecipe(file: RecipeFile): void {
    const { name, version } = file.recipe;
    if (this.recipes.has(file)) return;
    if (!this.recipes.knows(name, version)) {
      this.recipes.add(file);
      return;
    }
    const files = this.recipes.filesOf(file);
    for (const path of this.recipes.pathsOf(name, version)) {
      if (!files.some((other) => other.path === path)) this.staging.stageRemoval(path);
    }
    for (const { path, content } of files) this.staging.stageFile(path, content);
    this.#staged.set(`${name} ${version}`, file);
  }

  /** The recipes of a component, those staged in the place of others. */
  versionsOf(name: string, onDamaged?: (error: DeviceError) => void): Recipe[] {
    const staged = [...this.#staged.values()]
      .map(({ recipe }) => recipe)
      .filter((recipe) => recipe.name === name);
    const stored = this.recipes.versionsOf(name, onDamaged);
    return [...staged, ...stored.filter(({ version }) => !staged.some((other) => other.version === version))];
  }

  arnOf(name: string, version: string): string | undefined {
    const staged = this.#staged.get(`${name} ${version}`);
    return staged ? staged.arn : this.recipes.arnOf(name, version);
  }

  /** Has a component version's artifacts be made anew, from those that are there, and exchanged with the rest. */
  replaceArtifacts(name: string, version: string): void {
    if (this.changesArtifacts(name, version)) return;
    for (const folder of [
      this.layout.artifacts(name, version),
      this.layout.unarchivedArtifacts(name, version),
    ]) {
      this.staging.stage(folder, (fresh) => {
        if (existsSync(folder)) cpSync(folder, fresh, { recursive: true });
        else mkdirSync(fresh, { recursive: true });
      });
    }
  }

  /** Where a component version's artifacts are now. */
  foldersOf(name: string, version: string): { folder: string; unarchivedFolder: string } {
    return {
      folder: this.staging.whereIs(this.layout.artifacts(name, version)),
      unarchivedFolder: this.staging.whereIs(this.layout.unarchivedArtifacts(name, version)),
    };
  }

  /** Whether a component version's artifacts will be others than they are. */
  changesArtifacts(name: string, version: string): boolean {
    return this.staging.isStaged(this.layout.artifacts(name, version));
  }
}

/** Whether every file of a folder is in the other one with the same content, and nothing else is. */
function sameFiles(source: string, target: string): boolean {
  if (!existsSync(target)) return false;
  return JSON.stringify(fingerprint(source)) === JSON.stringify(fingerprint(target));
}

function fingerprint(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .map(
      (path) => `${relative(folder, path)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`,
    )
    .sort();
}

function subfolders(folder: string): string[] {
  return readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
}
