import type { World } from './world.js';

/** One step of the story. */
export interface Step {
  readonly step: number;
  readonly name: string;
  /** What must be seen, in one line. */
  readonly expected: string;
  /** Steps that have to be played before. */
  readonly needs: readonly number[];
  /**
   * Plays the step and returns what was seen.
   *
   * @throws NotSeen when something else was seen. Undefined: the step is not built yet.
   */
  readonly play?: (world: World) => Promise<string>;
}

/** What a step expected was not seen. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen';
}

/** @throws NotSeen with `otherwise` unless `seen`. */
export function see(seen: unknown, otherwise: string): asserts seen {
  if (!seen) throw new NotSeen(otherwise);
}

export interface Outcome {
  readonly step: number;
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'not built yet';
  readonly seconds: number;
  readonly seen: string;
}
