import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../components/cache.js';
import { repositoryRoot } from '../repository.js';
import { asRoot, run } from './tools.js';

/** Days that a root file system is used again: after that it would lack too many security updates. */
const KEPT_DAYS = 7;
const DAY = 86_400_000;

const MIRROR = 'http://deb.debian.org/debian';
const SECURITY_MIRROR = 'http://deb.debian.org/debian-security';

export interface RootfsOptions {
  /** Which core it is for: what runs it is in it. */
  readonly core: 'aws' | 'local';
  /** Whether to make it anew whatever is kept. */
  readonly fresh: boolean;
  readonly now: Date;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The root file system of the generic image, as a tar: the one that was made of the same packages in the last days, or
 * a new one, which takes minutes and needs root.
 *
 * @returns its path.
 */
export async function genericRootfs(options: RootfsOptions): Promise<string> {
  const { core, fresh, now, onProgress, signal } = options;
  const folder = join(repositoryRoot, 'os-image', 'generic');
  const script = join(folder, 'make-rootfs');
  const lists = [join(folder, 'packages.txt'), join(folder, `packages-${core}.txt`)];
  const texts = await Promise.all([script, ...lists].map((file) => readFile(file, 'utf8')));
  const key = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
  const cache = join(cacheDirectory(), 'os-image');
  const tar = join(cache, `rootfs-${core}-${key}.tar`);
  const age = await ageOf(tar, now);
  if (!fresh && age !== undefined && age < KEPT_DAYS * DAY) {
    onProgress(`Root file system of ${Math.floor(age / DAY)} days ago used again (--fresh makes a new one)`);
    return tar;
  }
  onProgress("Making the root file system of Debian's packages, which takes minutes");
  await mkdir(cache, { recursive: true });
  const packages = join(cache, `packages-${core}-${key}.txt`);
  await writeFile(packages, packagesOf(texts.slice(1)).join('\n'));
  await run(asRoot([script, packages, MIRROR, SECURITY_MIRROR, tar]), onProgress, signal);
  return tar;
}

/** The packages that lists name, one a line; empty lines and those that start with `#` are skipped. */
export function packagesOf(lists: readonly string[]): string[] {
  const lines = lists.flatMap((text) => text.split('\n')).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== '' && !line.startsWith('#')))];
}

async function ageOf(file: string, now: Date): Promise<number | undefined> {
  try {
    return now.getTime() - (await stat(file)).mtimeMs;
  } catch {
    return undefined;
  }
}
