import { compare, lt } from 'semver';

/** A version of a component, as far as choosing needs to know it. */
export interface Candidate {
  readonly version: string;
  /** Whether it did not run on the devices. */
  readonly broken: boolean;
}

/** What is to be deployed. */
export interface Wish {
  /** The fleet's own components that are published, each with its versions that can be deployed. */
  readonly published: Readonly<Record<string, readonly Candidate[]>>;
  /** Component to version, as in the deployment in force. */
  readonly deployed: Readonly<Record<string, string>>;
  /** Components to bring to their newest version, the others staying as they are; all when it is empty. */
  readonly only: readonly string[];
  /** Components to leave out. */
  readonly without: readonly string[];
}

/** What a deployment does with a component. */
export interface Choice {
  readonly name: string;
  /** Undefined: it is left out. */
  readonly version: string | undefined;
  /** Broken versions that would have been deployed instead, the newest first. */
  readonly heldBack: readonly string[];
}

/**
 * Chooses a version of each component: the newest that is not broken, or, for a component that is to stay as it
 * is, the one in force. A broken version is never chosen: the last good one before it takes its place, or the
 * component is left out.
 */
export function chooseVersions({ published, deployed, only, without }: Wish): Choice[] {
  const names = only.length > 0 ? [...new Set([...Object.keys(deployed), ...only])] : Object.keys(published);
  return names
    .filter((name) => Object.hasOwn(published, name) && !without.includes(name))
    .sort()
    .map((name) => {
      const candidates = [...(published[name] ?? [])].sort((a, b) => compare(b.version, a.version));
      const stays = only.length > 0 && !only.includes(name);
      const limit = stays ? deployed[name] : undefined;
      const eligible = candidates.filter(
        ({ version }) => limit === undefined || compare(version, limit) <= 0,
      );
      const index = eligible.findIndex(({ broken }) => !broken);
      return {
        name,
        version: eligible[index]?.version,
        heldBack: eligible.slice(0, index < 0 ? undefined : index).map(({ version }) => version),
      };
    })
    .filter(({ version, heldBack }) => version !== undefined || heldBack.length > 0);
}

/** The newest version before `version` that is not broken. */
export function lastGood(candidates: readonly Candidate[], version: string): string | undefined {
  return candidates
    .filter((candidate) => !candidate.broken && lt(candidate.version, version))
    .sort((a, b) => compare(b.version, a.version))[0]?.version;
}

/**
 * Whether a version that is broken on some devices is broken for the fleet: one device of a thousand with a
 * worn-out disk says nothing of the version, one of two does.
 *
 * @param brokenOn devices on which it is broken.
 * @param triedOn devices that have tried it.
 * @param threshold percent from which it counts.
 */
export function isBrokenForFleet(brokenOn: number, triedOn: number, threshold: number): boolean {
  return brokenOn > 0 && brokenOn * 100 >= Math.max(triedOn, brokenOn) * threshold;
}
