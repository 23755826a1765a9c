import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { explain, MooringError } from '../../errors.js';
import { cacheDirectory } from '../cache.js';
import { architectureOf } from '../platform.js';
import { readTree, type TreeEntry } from '../tree.js';
import { type Unpacked, unpackDeb, unpackNpm } from './archives.js';
import { type Base, commonEntries, withFolders } from './base.js';
import { readIndex } from './debian-index.js';
import { DownloadError, download } from './download.js';
import { type DebianPackage, type Lock, type LockedPlatform, readLock } from './lock.js';

export interface PinnedBaseOptions {
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** The repository's unless given. */
  readonly lock?: Lock;
  /** {@link cacheDirectory} unless given. */
  readonly cache?: string;
}

/**
 * The base made of what the lock file pins: Node.js from the npm registry, libraries and tools from Debian.
 * It is fetched once, checked against the lock, and kept in the cache.
 *
 * @throws MooringError `LockInvalid`, and from its functions `BaseUnavailable`
 */
export async function pinnedBase(options: PinnedBaseOptions): Promise<Base> {
  const lock = options.lock ?? (await readLock());
  const cache = options.cache ?? cacheDirectory();
  const made = new Map<string, Promise<Made>>();
  const make = (platform: string) => {
    const known = made.get(platform) ?? makeRoot(platform, lock, cache, options);
    made.set(platform, known);
    return known;
  };
  return {
    kind: 'pinned',
    platforms: Object.keys(lock.platforms).sort(),
    compression: 'portable',
    identity: async (platform) => {
      // Nothing need be fetched to see that nothing changed.
      const before = await readMade(rootFolder(cache, platform, lock));
      return (before ?? { identity: identityOf(lockedPlatform(lock, platform)) }).identity;
    },
    entries: async (platform) => {
      const { root } = await make(platform);
      return readTree(root);
    },
  };
}

/** Whether all of the base is in the cache, so that {@link pinnedBase} needs no network. */
export async function isPinnedBaseMade(lock: Lock, cache: string): Promise<boolean> {
  const made = Object.keys(lock.platforms).map((platform) => readMade(rootFolder(cache, platform, lock)));
  return (await Promise.all(made)).every((root) => root !== undefined);
}

/** A root filesystem in the cache. */
interface Made {
  readonly root: string;
  /** Of what it was made, which may be other than locked when Debian no longer has that. */
  readonly identity: string;
}

/** Changes with what is taken of the packages. */
const FORMAT = 1;

function lockedPlatform(lock: Lock, platform: string): LockedPlatform {
  const locked = lock.platforms[platform];
  if (!locked) throw new MooringError('LockInvalid', `The lock file of the base says nothing of ${platform}`);
  return locked;
}

function identityOf({ node, packages }: LockedPlatform): string {
  const parts = packages.map(({ name, version, sha256 }) => ({ name, version, sha256 }));
  return createHash('sha256')
    .update(JSON.stringify({ FORMAT, node: node.sha512, parts }))
    .digest('hex');
}

function rootFolder(cache: string, platform: string, lock: Lock): string {
  const key = identityOf(lockedPlatform(lock, platform)).slice(0, 16);
  return join(cache, 'base', `${platform.replace('/', '-')}-${key}`);
}

const MadeRecord = z.object({ identity: z.string() });

async function readMade(folder: string): Promise<Made | undefined> {
  try {
    const { identity } = MadeRecord.parse(JSON.parse(await readFile(join(folder, 'made.json'), 'utf8')));
    return { root: join(folder, 'root'), identity };
  } catch {
    return undefined;
  }
}

async function makeRoot(
  platform: string,
  lock: Lock,
  cache: string,
  { onProgress, signal }: PinnedBaseOptions,
): Promise<Made> {
  const folder = rootFolder(cache, platform, lock);
  const before = await readMade(folder);
  if (before) return before;
  const { node, packages } = lockedPlatform(lock, platform);
  const downloads = join(cache, 'downloads');
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    onProgress(
      `Fetches the base for ${platform}: ${node.name} ${node.version} and ${packages.length} packages of Debian.`,
    );
    const tarball = join(downloads, `${node.sha512.slice(0, 64)}.tgz`);
    await download(node.url, tarball, { algorithm: 'sha512', hash: node.sha512 }, signal);
    const entries = (await unpackNpm(tarball, (path) => path in NODE_FILES)).map((entry) => ({
      ...entry,
      path: NODE_FILES[entry.path] ?? entry.path,
    }));
    const used: DebianPackage[] = [];
    for (const pinned of packages) {
      const fetched = await fetchPackage(pinned, lock, architectureOf(platform), downloads, {
        onProgress,
        signal,
      });
      used.push(fetched.package);
      entries.push(...(await unpackDeb(fetched.path, isNeeded)).map(merged));
    }
    await writeRoot(join(temporary, 'root'), platform, entries);
    const identity = identityOf({ node, packages: used });
    await writeFile(join(temporary, 'made.json'), JSON.stringify({ identity, packages: used }));
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    return { root: join(folder, 'root'), identity };
  } catch (error) {
    signal?.throwIfAborted();
    const advice = 'Without a network, --base host works for this machine’s architecture';
    throw new MooringError(
      'BaseUnavailable',
      `The base for ${platform} cannot be made: ${explain(error)}. ${advice}`,
      { cause: error },
    );
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Fetches a package: from the archive, else from its history, else the one that took its place. */
async function fetchPackage(
  pinned: DebianPackage,
  lock: Lock,
  architecture: string,
  downloads: string,
  { onProgress, signal }: PinnedBaseOptions,
): Promise<{ readonly path: string; readonly package: DebianPackage }> {
  const archive = lock.archives[pinned.archive];
  if (!archive) throw new Error(`the lock file names no archive ${pinned.archive} for ${pinned.name}`);
  const pathOf = ({ sha256 }: { readonly sha256: string }) => join(downloads, `${sha256}.deb`);
  const expected = { algorithm: 'sha256', hash: pinned.sha256 } as const;
  for (const from of [archive.mirror, `${archive.history}/${lock.at}`]) {
    try {
      await download(`${from}/${pinned.path}`, pathOf(pinned), expected, signal);
      return { path: pathOf(pinned), package: pinned };
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      // Nothing at all answers: nothing else will.
      if (error.code !== 'NOT_FOUND' && from === archive.mirror) throw error;
    }
  }
  const current = (await readIndex(archive, architecture, signal)).get(pinned.name);
  if (!current) throw new Error(`${archive.mirror} has no ${pinned.name} any more`);
  onProgress(
    `Debian no longer has ${pinned.name} ${pinned.version}; ${current.version} is taken in its place. Pin it with: mooring components refresh-base`,
  );
  const hash = { algorithm: 'sha256', hash: current.sha256 } as const;
  await download(`${archive.mirror}/${current.path}`, pathOf(current), hash, signal);
  return { path: pathOf(current), package: { ...current, archive: pinned.archive } };
}

/** What is taken of the npm package of Node.js, and where to. */
const NODE_FILES: Readonly<Partial<Record<string, string>>> = {
  'bin/node': 'usr/local/bin/node',
  LICENSE: 'usr/share/doc/nodejs/LICENSE',
};

/** Programs, shared libraries and licences; no conversion tables, auditors, manuals or translations. */
function isNeeded(path: string): boolean {
  if (/\/(gconv|audit)(\/|$)/.test(path)) return false;
  return /^(usr\/)?(s?bin|lib[^/]*)\/.*[^/]$/.test(path) || /^usr\/share\/doc\/[^/]+\/copyright$/.test(path);
}

/** `lib` and the like are links to `usr/lib` here, as Debian has them since 12. */
function merged(entry: Unpacked): Unpacked {
  return /^(s?bin|lib[^/]*)\//.test(entry.path) ? { ...entry, path: `usr/${entry.path}` } : entry;
}

async function writeRoot(root: string, platform: string, entries: readonly Unpacked[]): Promise<void> {
  const links = ['bin', 'lib', 'sbin', ...(platform === 'linux/amd64' ? ['lib64'] : [])];
  const all: TreeEntry[] = [
    ...commonEntries,
    ...links.map((path) => ({ kind: 'symlink', path, target: `usr/${path}` }) as const),
    ...links.map((path) => ({ kind: 'directory', path: `usr/${path}` }) as const),
    ...entries.map((entry): TreeEntry => {
      if (entry.kind !== 'file') return entry;
      const { path, executable, content } = entry;
      return { kind: 'file', path, executable, source: content, size: content.length };
    }),
  ];
  for (const entry of withFolders(all)) {
    const path = join(root, entry.path);
    await mkdir(entry.kind === 'directory' ? path : dirname(path), { recursive: true });
    if (entry.kind === 'symlink') await symlink(entry.target, path);
    if (entry.kind === 'file') {
      await writeFile(path, entry.source);
      await chmod(path, entry.executable ? 0o755 : 0o644);
    }
  }
}
