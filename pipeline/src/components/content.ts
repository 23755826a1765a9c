import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { repositoryRoot } from '../repository.js';
import type { Base } from './base/base.js';
import type { FileHashes } from './file-hashes.js';
import { architectureOf } from './platform.js';
import { bundlerVersionFile, nativePart } from './program.js';
import type { ComponentSource } from './sources.js';

/** Changes with the way of building, so that what older ways made is made again. */
const FORMAT = 1;

/**
 * What a component is made of, as one SHA-256: its recipe, Dockerfile and artifacts, every file that its
 * program took in, packages included, and the base. Of files only names and content count.
 *
 * @param inputs the program's files, by their portable names
 * @returns undefined when a file is not there any more
 */
export async function contentHash(
  component: ComponentSource,
  inputs: readonly string[],
  source: string,
  base: Base | undefined,
  hashes: FileHashes,
): Promise<string | undefined> {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const files = await Promise.all(
    [...inputs].sort().map(async (name) => [name, await hashes.of(fileOf(name, source))] as const),
  );
  const artifacts = await Promise.all(
    component.artifacts.map(async ({ name, path }) => [name, await hashes.of(path)] as const),
  );
  if ([...files, ...artifacts].some(([, hash]) => hash === undefined)) return undefined;
  const platforms = await Promise.all(
    (component.image && base ? base.platforms : []).map(async (platform) => [
      platform,
      await base?.identity(platform),
      await hashes.of(nativePart(architectureOf(platform)).path),
    ]),
  );
  return sha256(
    JSON.stringify({
      FORMAT,
      recipe: sha256(component.recipe),
      dockerfile: component.image && sha256(component.image.text),
      artifacts,
      files,
      // Whether the sources' folder has modules of ECMAScript changes how the bundler imports packages.
      moduleType: component.image && (await moduleTypeOf(source)),
      bundler: component.image && (await hashes.of(bundlerVersionFile())),
      platforms,
    }),
  );
}

async function moduleTypeOf(source: string): Promise<string> {
  try {
    return PackageType.parse(JSON.parse(await readFile(resolve(source, 'package.json'), 'utf8'))).type;
  } catch {
    return 'commonjs';
  }
}

const PackageType = z.object({ type: z.string() });

/** Where the file of a portable name is on this machine. */
function fileOf(name: string, source: string): string {
  const prefix = 'components/';
  return name.startsWith(prefix) ? resolve(source, name.slice(prefix.length)) : resolve(repositoryRoot, name);
}
