import type { Compression } from '../layer.js';
import type { TreeEntry } from '../tree.js';

/** Root filesystems that images begin with: Node.js, the C libraries and the tools that components call. */
export interface Base {
  readonly kind: 'pinned' | 'host';
  /** Such as `linux/arm64`. */
  readonly platforms: readonly string[];
  readonly compression: Compression;
  /** Stands for the content of a platform's root filesystem. */
  identity(platform: string): Promise<string>;
  /** What the root filesystem of a platform holds; fetched when it is not there yet. */
  entries(platform: string): Promise<readonly TreeEntry[]>;
}

/** Files that every base has: programs look up their user by number, and hosts by name. */
export const commonEntries: readonly TreeEntry[] = [
  text(
    'etc/passwd',
    'root:x:0:0:root:/:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n',
  ),
  text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
  text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
];

function text(path: string, content: string): TreeEntry {
  const source = new TextEncoder().encode(content);
  return { kind: 'file', path, executable: false, source, size: source.length };
}

/** The folders that entries lie in, as entries, once each, before them. */
export function withFolders(entries: readonly TreeEntry[]): TreeEntry[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    const levels = path.split('/');
    for (let depth = 1; depth < levels.length; depth++) {
      const folder = levels.slice(0, depth).join('/');
      if (!all.has(folder)) all.set(folder, { kind: 'directory', path: folder });
    }
  }
  return [...all.values()];
}
