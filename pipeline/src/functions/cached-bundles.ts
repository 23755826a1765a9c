import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionEntries } from '@mooring/functions';
import { version } from 'esbuild';
import { cacheDirectory } from '../components/cache.js';
import { replaceFile } from '../components/replace-file.js';
import { repositoryRoot } from '../repository.js';
import { bundleFunctions, type FunctionBundle } from './bundle.js';

/** Sets of bundles that are kept: those of some states of the sources, such as of two branches. */
const KEPT = 4;

/**
 * The bundles of this repository's functions. Bundling takes seconds of processor time, so what was bundled is kept until
 * the functions, the contracts, or the packages that the lock file names change.
 */
export async function repositoryBundles(): Promise<FunctionBundle[]> {
  const folder = join(cacheDirectory(), 'functions', await sourcesHash());
  const kept = await Promise.all(Object.keys(functionEntries).map((name) => readBundle(folder, name)));
  if (kept.every((bundle) => bundle !== undefined)) return kept;
  const bundles = await bundleFunctions(functionEntries);
  // What cannot be kept is made again the next time.
  await keep(folder, bundles).catch(() => undefined);
  return bundles;
}

async function readBundle(folder: string, name: string): Promise<FunctionBundle | undefined> {
  try {
    const zip = await readFile(join(folder, `${name}.zip`));
    const sha256 = (await readFile(join(folder, `${name}.sha256`), 'utf8')).trim();
    const isWhole = createHash('sha256').update(zip).digest('hex') === sha256;
    return isWhole ? { name, zip, sha256 } : undefined;
  } catch {
    return undefined;
  }
}

async function keep(folder: string, bundles: readonly FunctionBundle[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, zip, sha256 } of bundles) {
    await replaceFile(join(folder, `${name}.zip`), zip);
    await replaceFile(join(folder, `${name}.sha256`), `${sha256}\n`);
  }
  const sets = await readdir(dirname(folder), { withFileTypes: true });
  const others = sets.filter((set) => set.isDirectory() && join(dirname(folder), set.name) !== folder);
  for (const { name } of others.slice(0, Math.max(0, others.length + 1 - KEPT))) {
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** SHA-256 of all that bundles are made of. */
async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256').update(version);
  hash.update(await readFile(join(repositoryRoot, 'package-lock.json')));
  for (const folder of ['functions', 'contracts']) {
    const dist = dirname(fileURLToPath(import.meta.resolve(`@mooring/${folder}`)));
    const entries = await readdir(dist, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort();
    for (const file of files) hash.update(`${file.slice(dist.length)}\n`).update(await readFile(file));
  }
  return hash.digest('hex');
}
