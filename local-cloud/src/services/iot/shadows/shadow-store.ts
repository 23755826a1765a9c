import { key, type Store, secondParts, type Table } from '../../../store/store.js';

import { EMPTY_SECTION, type Section } from './section.js';

/** A shadow as it is kept. */
export interface Shadow {
  readonly desired: Section;
  readonly reported: Section;
  /** Goes on from the last one when the shadow is made again after its deletion. */
  readonly version: number;
  readonly deleted?: true;
}

export const NEW_SHADOW: Shadow = { desired: EMPTY_SECTION, reported: EMPTY_SECTION, version: 0 };

/** The shadows of all things; what is kept of a deleted one is its version. */
export class ShadowStore {
  /** key(thing, shadow) with no name for the classic one; JSON text, in which members may have any name. */
  readonly #table: Table<string>;

  constructor(store: Store) {
    this.#table = store.table('iot.shadows');
  }

  get(thingName: string, shadowName: string | undefined): Shadow | undefined {
    const shadow = this.withDeleted(thingName, shadowName);
    return shadow.deleted || shadow.version === 0 ? undefined : shadow;
  }

  /** The shadow as an update finds it: an empty one when there is none, with the version that goes on. */
  withDeleted(thingName: string, shadowName: string | undefined): Shadow {
    const text = this.#table.get(key(thingName, shadowName ?? ''));
    return text === undefined ? NEW_SHADOW : (JSON.parse(text) as Shadow);
  }

  put(thingName: string, shadowName: string | undefined, shadow: Shadow): void {
    this.#table.put(key(thingName, shadowName ?? ''), JSON.stringify(shadow));
  }

  /** Names of a thing's named shadows, in their order. */
  *names(thingName: string, after?: string): Generator<string> {
    for (const [name, text] of secondParts(this.#table, thingName)) {
      if (name === '' || (after !== undefined && name <= after)) continue;
      if (!(JSON.parse(text) as Shadow).deleted) yield name;
    }
  }
}
