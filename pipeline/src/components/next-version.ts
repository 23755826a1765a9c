import { gt, inc } from 'semver';
import { MooringError } from '../errors.js';

/**
 * The number of a component's new version: the one that the recipe asks for when it is newer than all that are
 * published, else the newest one with its patch number increased. A component's author raises major and minor
 * numbers in the recipe; everything else counts on by itself.
 *
 * @param published numbers of all versions that exist, whatever became of them, the newest first.
 */
export function nextVersion(asked: string, published: readonly string[]): string {
  const [newest] = published;
  if (newest === undefined || gt(asked, newest)) return asked;
  const next = inc(newest, 'patch');
  if (next === null) {
    throw new MooringError('InvalidVersion', `${newest} is not a version such as 1.0.0`);
  }
  // Behind a pre-release comes the release that it is one of, which nothing but its author decides on.
  return next;
}
