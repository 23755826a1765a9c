import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';
import type { LogSource } from './configuration.js';

export interface LogFileOnDisk {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** The same wherever the file is renamed to, and another for a file that takes its place. */
  readonly identity: string;
}

/** Bytes at a file's beginning that tell it from others. */
const FINGERPRINT_BYTES = 1024;

/** The files of a log, oldest first: the last one is still written to. Those that have no whole line yet are left out. */
export async function listLogFiles(source: LogSource): Promise<readonly LogFileOnDisk[]> {
  const files: LogFileOnDisk[] = [];
  for (const name of await readdir(source.folder).catch(absentAsEmpty)) {
    if (!source.fileName.test(name)) continue;
    const file = await describeFile(join(source.folder, name), name);
    if (file) files.push(file);
  }
  // Of files that were written to at the same moment the rotated ones, whose names are longer, are older.
  return files.sort(
    (a, b) => a.modified - b.modified || b.name.length - a.name.length || (a.name < b.name ? -1 : 1),
  );
}

/** Removes the oldest files until all together have no more than `limit` bytes; never the last one. @returns their names */
export async function removeBeyond(
  files: readonly LogFileOnDisk[],
  limit: number,
): Promise<readonly string[]> {
  let total = files.reduce((sum, { size }) => sum + size, 0);
  const removed: string[] = [];
  for (const { path, name, size } of files.slice(0, -1)) {
    if (total <= limit) break;
    await rm(path, { force: true });
    total -= size;
    removed.push(name);
  }
  return removed;
}

async function describeFile(path: string, name: string): Promise<LogFileOnDisk | undefined> {
  let file: FileHandle;
  try {
    // What is no file is not opened: opening a FIFO would wait for its other end.
    if (!(await stat(path)).isFile()) return undefined;
    file = await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // Rotated away meanwhile; seen at the next upload.
    throw error;
  }
  try {
    const { ino, size, mtimeMs } = await file.stat();
    const buffer = Buffer.alloc(FINGERPRINT_BYTES);
    const { bytesRead } = await file.read(buffer, 0, FINGERPRINT_BYTES, 0);
    const newline = buffer.subarray(0, bytesRead).indexOf('\n');
    if (newline < 0 && bytesRead < FINGERPRINT_BYTES) return undefined;
    const beginning = buffer.subarray(0, newline < 0 ? bytesRead : newline + 1);
    const hash = createHash('sha256').update(beginning).digest('base64url');
    return { path, name, size, modified: mtimeMs, identity: `${ino}-${hash}` };
  } finally {
    await file.close();
  }
}

function absentAsEmpty(error: unknown): string[] {
  if (errnoOf(error) === 'ENOENT') return [];
  throw error;
}
