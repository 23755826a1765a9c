import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a file so that after a power cut at any instant it has either its old content or all of the
 * new one: a temporary file beside it is written and flushed, then renamed over it.
 *
 * @param mode permission bits of the new file
 */
export function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o644): void {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  const file = openSync(temporary, 'wx', mode);
  try {
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flushFolder(folder);
}

/** Removes files so that they stay removed after a power cut; those that are not there are fine. */
export function removeDurably(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
  for (const folder of new Set(paths.map((path) => dirname(path)))) flushFolder(folder);
}

/** Has the names in a folder survive a power cut. */
export function flushFolder(folder: string): void {
  let handle: number;
  try {
    handle = openSync(folder, 'r');
  } catch {
    return; // The folder itself is gone, so there is nothing to flush.
  }
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
