import { chmod, copyFile, cp, link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sorted, type TreeEntry } from './tree.js';

/** A folder of the context that Dockerfiles copy from. */
export interface ContextFolder {
  /** Where it is in the context, such as `base/arm64`. */
  readonly at: string;
  /** Stands for the content: equal identity, equal content. What has one may be cached. */
  readonly identity?: string;
  /** Made when a Dockerfile copies it. */
  readonly entries: () => Promise<readonly TreeEntry[]>;
}

/** What a COPY found: entries relative to the source, which is a folder or one file (then of path ``). */
export interface ContextSource {
  readonly entries: readonly TreeEntry[];
  /** Of a whole {@link ContextFolder} that has one. */
  readonly identity: string | undefined;
  /** The file's name when the source is one file. */
  readonly file: string | undefined;
}

/** What a Dockerfile's COPY instructions copy from: folders that are prepared when they are asked for. */
export class BuildContext {
  constructor(private readonly folders: readonly ContextFolder[]) {}

  /** The paths of the folders, for messages. */
  get paths(): string[] {
    return this.folders.map(({ at }) => at);
  }

  /** Whether a path is one of the folders, or below one. */
  has(path: string): boolean {
    return this.folders.some(({ at }) => isAtOrBelow(plainPath(path), at));
  }

  /** @returns undefined when nothing is there */
  async find(path: string): Promise<ContextSource | undefined> {
    const wanted = plainPath(path);
    for (const folder of this.folders) {
      if (wanted === folder.at) {
        return { entries: await folder.entries(), identity: folder.identity, file: undefined };
      }
      if (wanted.startsWith(`${folder.at}/`)) {
        return within(await folder.entries(), wanted.slice(folder.at.length + 1));
      }
    }
    return undefined;
  }

  /** Writes the folders that some of these paths name, or lie in, to disk, as Docker takes a context. */
  async materialize(paths: readonly string[], target: string): Promise<void> {
    for (const folder of this.folders) {
      const wanted = paths.some((path) => isAtOrBelow(plainPath(path), folder.at));
      if (!wanted) continue;
      await mkdir(join(target, folder.at), { recursive: true });
      for (const entry of sorted(await folder.entries())) await put(entry, join(target, folder.at));
    }
  }
}

/** Without a slash at either end. */
function plainPath(path: string): string {
  return path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function within(entries: readonly TreeEntry[], path: string): ContextSource | undefined {
  const exact = entries.find((entry) => entry.path === path);
  if (exact?.kind === 'file') {
    return {
      entries: [{ ...exact, path: '' }],
      identity: undefined,
      file: path.slice(path.lastIndexOf('/') + 1),
    };
  }
  const inside = entries
    .filter((entry) => entry.path.startsWith(`${path}/`))
    .map((entry) => ({ ...entry, path: entry.path.slice(path.length + 1) }));
  if (exact?.kind !== 'directory' && inside.length === 0) return undefined;
  return { entries: inside, identity: undefined, file: undefined };
}

async function put(entry: TreeEntry, root: string): Promise<void> {
  const path = join(root, entry.path);
  await mkdir(dirname(path), { recursive: true });
  if (entry.kind === 'directory') await mkdir(path, { recursive: true });
  else if (entry.kind === 'symlink') await symlink(entry.target, path);
  else {
    if (typeof entry.source === 'string') await copyFile(entry.source, path);
    else await writeFile(path, entry.source);
    await chmod(path, entry.executable ? 0o755 : 0o644);
  }
}

/** Puts a file at another path: a second name for it where the file system can, else a copy. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await cp(from, to);
  }
}
