import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What a folder of a build context or of an image holds; `path` is relative, without a slash at either end. */
export type TreeEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly executable: boolean;
      /** A path on this machine, or the content itself. */
      readonly source: string | Uint8Array;
      readonly size: number;
    };

/** Sorts by path, as bytes: the same order everywhere, a folder before what it holds. */
export function sorted<T extends { readonly path: string }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * Reads a folder on disk. Of permissions only what Git keeps counts, whether a file is executable, so that
 * the umask of whoever checked it out makes no difference.
 */
export async function readTree(root: string, below = ''): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const name of await readdir(join(root, below))) {
    const path = below ? `${below}/${name}` : name;
    const entry = await entryOf(join(root, path), path);
    entries.push(entry);
    if (entry.kind === 'directory') entries.push(...(await readTree(root, path)));
  }
  return below === '' ? sorted(entries) : entries;
}

/** What is at a path on disk, to be known by another path. */
export async function entryOf(source: string, path: string): Promise<TreeEntry> {
  const found = await lstat(source);
  if (found.isDirectory()) return { kind: 'directory', path };
  if (found.isSymbolicLink()) return { kind: 'symlink', path, target: await readlink(source) };
  if (!found.isFile()) throw new Error(`${source} is neither a file nor a folder nor a link`);
  return { kind: 'file', path, executable: (found.mode & 0o100) !== 0, source, size: found.size };
}
