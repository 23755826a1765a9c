import { lstat, readlink } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';

/** Symbolic links that may be followed for one path, as Linux has it. */
const MAX_LINKS = 40;

/** A path below a root file system that cannot be followed. */
export class UnfollowablePath extends Error {
  override readonly name = 'UnfollowablePath';
}

/**
 * Where a path of an image lies on this machine: links are followed as a process would that has the unpacked
 * image as its root, so the result never leads out of it. What is not there yet counts as a plain name.
 *
 * @param root the unpacked image
 * @param path absolute or relative, as the image sees it
 * @param followLast whether the last part is followed too when it is a link
 */
export async function resolveInRoot(root: string, path: string, followLast = true): Promise<string> {
  const pending = partsOf(path).reverse();
  const done: string[] = [];
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '..') {
      done.pop();
      continue;
    }
    const candidate = join(root, ...done, part);
    const isLast = pending.length === 0;
    if (isLast && !followLast) {
      done.push(part);
      continue;
    }
    const target = await linkTarget(candidate);
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new UnfollowablePath(`${path} leads through too many links`);
    if (target.startsWith('/')) done.length = 0;
    pending.push(...partsOf(target).reverse());
  }
  return join(root, ...done);
}

/**
 * A link's target so that the kernel, which knows nothing of the image's root, finds what the image means:
 * relative, and never above the root.
 *
 * @param location the link's real place on this machine
 */
export function containedTarget(root: string, location: string, target: string): string {
  const folder = relative(root, dirname(location));
  const absolute = normalize(join('/', target.startsWith('/') ? '' : folder, target));
  return relative(join('/', folder), absolute) || '.';
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch {
    return undefined;
  }
}
