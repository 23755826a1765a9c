import { key, type Store } from '../../../store/store.js';
import type { Tags } from '../../../tags.js';
import type { Owner } from '../arns.js';
import { PUBLIC_COMPONENTS } from './public-components.js';
import type { Recipe } from './recipe.js';
import { newestFirst } from './versions.js';

/** A version of a component. */
export interface ComponentVersion {
  readonly owner: Owner;
  readonly recipe: Recipe;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly tags: Tags;
}

type Kept = Omit<ComponentVersion, 'owner'>;

/** When the components of AWS were published, for those who ask. */
const PUBLISHED = Date.UTC(2025, 0, 1);

/** The versions of components: this account's, and those that AWS publishes. */
export class ComponentStore {
  /** key(name, version) */
  readonly #versions;

  constructor(store: Store) {
    this.#versions = store.table<Kept>('greengrass.componentVersions');
  }

  get(owner: Owner, name: string, version: string): ComponentVersion | undefined {
    if (owner === 'aws') {
      return published().find(
        ({ recipe }) => recipe.ComponentName === name && recipe.ComponentVersion === version,
      );
    }
    const kept = this.#versions.get(key(name, version));
    return kept && { owner, ...kept };
  }

  put(recipe: Recipe, created: number, tags: Tags): void {
    this.#versions.put(key(recipe.ComponentName, recipe.ComponentVersion), { recipe, created, tags });
  }

  setTags({ recipe, created }: ComponentVersion, tags: Tags): void {
    this.put(recipe, created, tags);
  }

  /** Returns whether there was such a version. */
  delete(name: string, version: string): boolean {
    return this.#versions.delete(key(name, version));
  }

  /** The versions of a component, the newest first; empty when there is no such component. */
  versions(owner: Owner, name: string): ComponentVersion[] {
    const found =
      owner === 'aws'
        ? published().filter(({ recipe }) => recipe.ComponentName === name)
        : [...this.#versions.entries({ prefix: key(name, '') })].map(([, kept]) => ({ owner, ...kept }));
    return found.sort((a, b) => newestFirst(a.recipe.ComponentVersion, b.recipe.ComponentVersion));
  }

  /**
   * The versions that a name means in a deployment or recipe, the newest first: the account's own component wins over
   * one of AWS of the same name.
   */
  usable(name: string): ComponentVersion[] {
    const own = this.versions('account', name);
    return own.length > 0 ? own : this.versions('aws', name);
  }

  /** Names of the components, in order. */
  names(owner: Owner): string[] {
    const all =
      owner === 'aws'
        ? published().map(({ recipe }) => recipe.ComponentName)
        : [...this.#versions.entries()].map(([, { recipe }]) => recipe.ComponentName);
    return [...new Set(all)].sort();
  }

  /** Every version of this account. */
  *all(): Generator<ComponentVersion> {
    for (const [, kept] of this.#versions.entries()) yield { owner: 'account', ...kept };
  }
}

function published(): ComponentVersion[] {
  return PUBLIC_COMPONENTS.map((recipe) => ({ owner: 'aws', recipe, created: PUBLISHED, tags: {} }));
}
