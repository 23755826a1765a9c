import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { errnoOf } from '../../runtime/src/errors.js';

/**
 * The few operations on files that a rotation is made of. After a power cut, names that were made, moved or
 * removed in a folder are certain only once the folder was flushed; what a file holds is certain when
 * {@link write} has returned.
 */
export interface Files {
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** A file's text; undefined when it is not there. */
  read(path: string): Promise<string | undefined>;
  /** Where a symbolic link leads; undefined when it is not there. */
  readLink(path: string): Promise<string | undefined>;
  /** Makes a folder that only its owner may look into. */
  makeFolder(path: string): Promise<void>;
  /** Makes a file that only its owner may read, and flushes what it holds. */
  write(path: string, text: string): Promise<void>;
  link(target: string, path: string): Promise<void>;
  /** Replaces what `to` names, at once. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder and what is in it; what is not there is fine. */
  remove(path: string): Promise<void>;
  /** Flushes the names in a folder. */
  flush(folder: string): Promise<void>;
}

export const diskFiles: Files = {
  list: (folder) => readdir(folder),
  read: (path) => unlessAbsent(readFile(path, 'utf8')),
  readLink: (path) => unlessAbsent(readlink(path)),
  async makeFolder(path) {
    await mkdir(path, { mode: 0o700 });
  },
  async write(path, text) {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  link: (target, path) => symlink(target, path),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
  async flush(folder) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
