import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ComponentSet } from '../config/effective-config.js';
import type { ContainerImages } from '../containers/images.js';
import type { Layout } from '../layout.js';
import { currentPlatform, selectManifest } from '../recipe/platform.js';
import type { RecipeStore } from '../recipe/store.js';
import { BUILT_IN } from './built-in.js';

export interface StalePackages {
  readonly layout: Layout;
  readonly recipes: RecipeStore;
  /** What is in force. */
  readonly set: Pick<ComponentSet, 'components'>;
  readonly images: ContainerImages;
}

/** Removes recipes, artifacts and images of component versions that are not in force. */
export async function removeStalePackages({ layout, recipes, set, images }: StalePackages): Promise<void> {
  const { components } = set;
  const isInForce = (name: string, version: string) =>
    Object.hasOwn(components, name) && components[name]?.version === version;
  for (const store of [layout.artifactStore, layout.unarchivedStore]) {
    for (const name of subfolders(store)) {
      for (const version of subfolders(join(store, name))) {
        if (!isInForce(name, version)) rmSync(join(store, name, version), { recursive: true, force: true });
      }
      if (readdirSync(join(store, name)).length === 0) rmSync(join(store, name), { recursive: true });
    }
  }
  const references = Object.entries(components).flatMap(([name, { version }]) => {
    const recipe = BUILT_IN.has(name) ? undefined : recipes.find(name, version);
    const manifest = recipe && selectManifest(recipe, currentPlatform());
    return (manifest?.Artifacts ?? [])
      .map(({ Uri }) => Uri)
      .filter((uri) => uri.startsWith('docker:'))
      .map((uri) => uri.slice('docker:'.length));
  });
  recipes.prune(isInForce);
  await images.prune(references);
}

function subfolders(folder: string): string[] {
  return readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
}
