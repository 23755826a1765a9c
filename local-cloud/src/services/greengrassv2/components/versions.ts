import { compare, parse, Range } from 'semver';

/** Largest major, minor and patch number (Greengrass developer guide, component recipe reference). */
const LARGEST_NUMBER = 999_999;
const LONGEST_VERSION = 64;
/** Longer than any requirement that the nucleus writes; bounds the work of comparing. */
const LONGEST_REQUIREMENT = 1024;

/** What versions of a component somebody can use. */
export interface Requirement {
  readonly text: string;
  accepts(version: string): boolean;
}

/** Whether a text is a version that a component can have: semantic versioning 2.0, at most six digits a number. */
export function isComponentVersion(text: string): boolean {
  if (text.length > LONGEST_VERSION) return false;
  const version = parse(text);
  // What `parse` reads leniently, such as `v1.0.0`, is none.
  return (
    version !== null &&
    version.version === text.split('+')[0] &&
    Math.max(version.major, version.minor, version.patch) <= LARGEST_NUMBER
  );
}

/**
 * Reads a version requirement: npm's ranges, and `==1.0.0` as the nucleus writes an exact version.
 *
 * @returns undefined when it is none.
 */
export function parseRequirement(text: string): Requirement | undefined {
  if (text.length > LONGEST_REQUIREMENT) return undefined;
  try {
    const range = new Range(text.replaceAll('==', '='));
    return { text, accepts: (version) => range.test(version) };
  } catch {
    return undefined;
  }
}

/** Orders versions, the newest first. */
export function newestFirst(a: string, b: string): number {
  return compare(b, a);
}
