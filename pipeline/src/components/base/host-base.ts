import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { explain, MooringError } from '../../errors.js';
import type { FileHashes } from '../file-hashes.js';
import { entryOf, sorted, type TreeEntry } from '../tree.js';
import { type Base, commonEntries, withFolders } from './base.js';

/**
 * The base made of this machine: its Node.js, the tools of libgpiod when they are installed, and the shared
 * libraries that `ldd` names for them, at the paths where the dynamic loader looks. It needs no network.
 *
 * @throws MooringError `HostBaseImpossible` where images cannot be made of this machine
 */
export async function hostBase(hashes: FileHashes): Promise<Base> {
  const architecture = ({ x64: 'amd64', arm64: 'arm64' } as Partial<Record<string, string>>)[process.arch];
  if (process.platform !== 'linux' || !architecture) {
    throw new MooringError(
      'HostBaseImpossible',
      `Images cannot be made of this machine (${process.platform} ${process.arch}): they are for Linux on amd64 and arm64; use --base pinned`,
    );
  }
  const platform = `linux/${architecture}`;
  const entries = await hostEntries();
  let identity: Promise<string> | undefined;
  return {
    kind: 'host',
    platforms: [platform],
    compression: 'fast',
    identity: () => {
      identity ??= identityOf(entries, hashes);
      return identity;
    },
    entries: async () => entries,
  };
}

async function hostEntries(): Promise<TreeEntry[]> {
  const node = await realpath(process.execPath);
  const programs = new Map([['usr/local/bin/node', node]]);
  for (const tool of ['gpioset', 'gpiomon']) {
    const path = await onPath(tool);
    if (path) programs.set(`usr/bin/${tool}`, path);
  }
  const files = new Map(programs);
  for (const program of programs.values()) {
    for (const library of await librariesOf(program)) files.set(library.slice(1), await realpath(library));
  }
  const entries = await Promise.all([...files].map(([path, source]) => entryOf(source, path)));
  return sorted(withFolders([...commonEntries, ...entries]));
}

const run = promisify(execFile);

/** The shared libraries of a program, and the dynamic loader, by the paths that the loader uses. */
async function librariesOf(program: string): Promise<string[]> {
  let output: string;
  try {
    output = (await run('ldd', [program], { env: { PATH: process.env.PATH, LC_ALL: 'C' } })).stdout;
  } catch (error) {
    throw new MooringError(
      'HostBaseImpossible',
      `Images cannot be made of this machine: the shared libraries of ${program} are not known (${explain(error).trim()}); use --base pinned`,
      { cause: error },
    );
  }
  const missing = /^\s*(\S+) => not found/m.exec(output);
  if (missing) {
    throw new MooringError(
      'HostBaseImpossible',
      `Images cannot be made of this machine: ${program} needs ${missing[1]}, which is not there; use --base pinned`,
    );
  }
  return [...output.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path = '']) => path);
}

async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter((path) => path.startsWith('/'))) {
    try {
      return await realpath(join(folder, program));
    } catch {
      // In another folder, or nowhere.
    }
  }
  return undefined;
}

async function identityOf(entries: readonly TreeEntry[], hashes: FileHashes): Promise<string> {
  const known = await Promise.all(
    entries.map(async (entry) => {
      if (entry.kind !== 'file') return entry;
      const { path, executable, source } = entry;
      const content =
        typeof source === 'string'
          ? await hashes.of(source)
          : createHash('sha256').update(source).digest('hex');
      return { path, executable, content };
    }),
  );
  return createHash('sha256').update(JSON.stringify(known)).digest('hex');
}
