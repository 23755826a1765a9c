import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { LocalCloudError } from '../errors.js';

/** Layout version of the state directory; a directory of a newer one is refused. */
const STATE_VERSION = 1;

/** A durable map from strings to plain values (objects, arrays, strings, numbers, bytes). */
export interface Table<V> {
  get(key: string): V | undefined;
  put(key: string, value: V): void;
  /** Returns whether there was such a key. */
  delete(key: string): boolean;
  /** The entries in order of their keys. */
  entries(range?: Range): Iterable<[key: string, value: V]>;
}

export interface Range {
  /** Only keys that start with this. */
  prefix?: string;
  /** Only keys behind this one: greater ones, or less ones when `reverse`. */
  after?: string;
  /** Only this key and those behind it. */
  from?: string;
  /** From the last key to the first. */
  reverse?: boolean;
  limit?: number;
}

/**
 * The state of the local cloud: tables in an embedded database. What was written is there after the process
 * was killed at any instant (not after the machine lost power: nothing waits for the disk).
 */
export interface Store {
  /** The table of that name, made when there is none. */
  table<V>(name: string): Table<V>;
  /** Runs `work` so that either all or none of its writes are kept; they are kept when it returns. */
  transaction<T>(work: () => T): T;
  /**
   * Writes together with others that come at about the same time; resolves when they are kept. For paths
   * that write often and acknowledge after.
   */
  batch(work: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Above every other character in the order of keys. */
const LAST = '\u{10ffff}';

/** Joins the parts of a compound key; parts must not have the control character U+001F. */
export function key(...parts: string[]): string {
  return parts.join('\u001f');
}

/** The second part of every compound key that starts with `first`, in their order. */
export function* secondParts<V>(table: Table<V>, first: string): Generator<[second: string, value: V]> {
  const prefix = `${first}\u001f`;
  for (const [name, value] of table.entries({ prefix })) yield [name.slice(prefix.length), value];
}

/**
 * Opens the state in `directory`, making it when there is none.
 *
 * @throws LocalCloudError when the directory cannot be written, is in use by another process, or was made
 * by a newer version.
 */
export function openStore(directory: string): Store {
  prepare(directory);
  const release = lock(directory);
  let root: RootDatabase;
  try {
    // noSync: the page cache outlives the process, which is what the promise above needs.
    root = open({ path: join(directory, 'state.lmdb'), maxDbs: 512, noSync: true, mapSize: 2 ** 40 });
  } catch (error) {
    release();
    throw new LocalCloudError(
      'StateDirectoryUnreadable',
      `The state in ${directory} cannot be read (${String(error)}); remove the directory to start anew`,
    );
  }
  const tables = new Map<string, Table<unknown>>();
  return {
    table<V>(name: string): Table<V> {
      let table = tables.get(name);
      if (!table) {
        table = lmdbTable<unknown>(root.openDB<unknown, string>({ name }));
        tables.set(name, table);
      }
      return table as Table<V>;
    },
    transaction: (work) => root.transactionSync(work),
    async batch(work) {
      await root.transaction(work);
    },
    async close() {
      await root.close();
      release();
    },
  };
}

function lmdbTable<V>(database: Database<V, string>): Table<V> {
  return {
    get: (name) => database.get(name),
    put: (name, value) => {
      database.putSync(name, value);
    },
    delete: (name) => database.removeSync(name),
    *entries({ prefix = '', after, from, reverse = false, limit }: Range = {}) {
      // Where keys with the prefix begin, or above all of them.
      const edge = reverse ? `${prefix}${LAST}` : prefix;
      const wanted = after ?? from ?? edge;
      const behind = wanted.startsWith(prefix) || (reverse ? wanted < prefix : wanted > prefix);
      const start = behind ? wanted : edge;
      const range = database.getRange({ start, reverse, exclusiveStart: start === after, snapshot: false });
      let count = 0;
      for (const entry of range) {
        if (!entry.key.startsWith(prefix) || (limit !== undefined && count >= limit)) return;
        count += 1;
        yield [entry.key, entry.value];
      }
    },
  };
}

function prepare(directory: string): void {
  try {
    makeDirectory(resolve(directory));
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new LocalCloudError(
      'StateDirectoryNotWritable',
      `The state directory ${directory} cannot be written (${reason}); name another one or change its permissions`,
    );
  }
  const versionFile = join(directory, 'version');
  const version = readIfThere(versionFile);
  if (version === undefined) {
    // In one step: a process that is killed here leaves no empty file, which the next one would not know.
    const draft = `${versionFile}.${process.pid}`;
    writeFileSync(draft, `${STATE_VERSION}\n`);
    renameSync(draft, versionFile);
    return;
  }
  const found = Number(version);
  if (!Number.isInteger(found) || found < 1) {
    throw new LocalCloudError(
      'StateDirectoryUnreadable',
      `${versionFile} holds no version number; ${directory} is not a state directory, name another one`,
    );
  }
  if (found > STATE_VERSION) {
    throw new LocalCloudError(
      'StateDirectoryNewer',
      `The state in ${directory} was made by a newer version (layout ${found}, this one reads ${STATE_VERSION}); update, or name another directory`,
    );
  }
}

/** Takes the directory for this process; a lock left behind by a process that ended is taken over. */
function lock(directory: string): () => void {
  const file = join(directory, 'lock');
  const own = `${process.pid} ${startTime(process.pid)}\n`;
  for (;;) {
    try {
      writeFileSync(file, own, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const [pid = '', start = ''] = (readIfThere(file) ?? '').trim().split(' ');
    if (pid !== '' && start !== '' && startTime(Number(pid)) === start) {
      throw new LocalCloudError(
        'StateDirectoryInUse',
        `The state directory ${directory} is in use by process ${pid}; stop that process or name another directory`,
      );
    }
    rmSync(file, { force: true });
  }
}

/** When a process started, as the kernel counts it: tells a process from a later one of the same id. */
function startTime(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return isAlive(pid) ? 'unknown' : '';
  // Field 22 (proc(5)), counted behind the command name, which may itself have spaces and parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Makes a directory and those above it. Node's own recursive `mkdir` never returns where the kernel makes no
 * directories, as below `/proc`.
 */
function makeDirectory(path: string): void {
  // For the owner alone: the state holds private keys.
  const make = () => mkdirSync(path, { mode: 0o700 });
  try {
    make();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    make();
  }
}
