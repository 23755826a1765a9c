import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from './folder.js';

/**
 * What a bundle was made of and what came out, by content, so that what would come out the same is not
 * made again. A stamp that is missing, unreadable or of other content only means that it is made again.
 */
const Stamp = z.object({
  settings: z.string(),
  /** Path to SHA-256. */
  inputs: z.record(z.string(), z.string()),
  outputs: z.record(z.string(), z.string()),
});
type Stamp = z.infer<typeof Stamp>;

export class Stamps {
  readonly #hashes = new Map<string, Promise<string | undefined>>();

  /**
   * @param inputRoot what input paths are relative to
   * @param outputRoot what output paths are relative to
   */
  constructor(
    private readonly inputRoot: string,
    private readonly outputRoot: string,
  ) {}

  /** @returns whether the outputs are there as they were written, and the inputs as they were then */
  async isCurrent(name: string, settings: string): Promise<boolean> {
    let stamp: Stamp;
    try {
      stamp = Stamp.parse(JSON.parse(await readFile(this.#path(name), 'utf8')));
    } catch {
      return false;
    }
    if (stamp.settings !== settings) return false;
    const same = async (root: string, path: string, hash: string) =>
      (await this.#hash(join(root, path))) === hash;
    const checks = [
      ...Object.entries(stamp.inputs).map(([path, hash]) => same(this.inputRoot, path, hash)),
      ...Object.entries(stamp.outputs).map(([path, hash]) => same(this.outputRoot, path, hash)),
    ];
    return (await Promise.all(checks)).every(Boolean);
  }

  /** Notes what was just made of what. */
  async write(
    name: string,
    settings: string,
    inputs: readonly string[],
    outputs: readonly string[],
  ): Promise<void> {
    const hashes = async (root: string, paths: readonly string[]) =>
      Object.fromEntries(
        await Promise.all(
          paths.map(async (path) => [path, (await this.#hash(join(root, path), true)) ?? ''] as const),
        ),
      );
    const stamp: Stamp = {
      settings,
      inputs: await hashes(this.inputRoot, [...inputs].sort()),
      outputs: await hashes(this.outputRoot, [...outputs].sort()),
    };
    await replaceFile(this.#path(name), JSON.stringify(stamp));
  }

  #path(name: string): string {
    return join(this.outputRoot, '.stamps', `${name}.json`);
  }

  #hash(path: string, anew = false): Promise<string | undefined> {
    const known = anew ? undefined : this.#hashes.get(path);
    if (known) return known;
    const hash = readFile(path).then(
      (content) => createHash('sha256').update(content).digest('hex'),
      () => undefined,
    );
    this.#hashes.set(path, hash);
    return hash;
  }
}

/** Writes a file so that nobody ever sees half of it. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await makeFolder(dirname(path));
  await writeFile(temporary, content);
  await rename(temporary, path);
}
