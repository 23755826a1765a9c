import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from './replace-file.js';

/**
 * What a component was built of and what came out, kept beside it, so that what would come out the same is
 * not built again. A stamp that is missing or unreadable only means that it is built again.
 */
const Stamp = z.object({
  contentHash: z.string(),
  /** What else makes a difference to the bytes: the time in them, how they are compressed. */
  settings: z.string(),
  builder: z.enum(['layers', 'buildx']),
  /** Portable names of the program's files. */
  inputs: z.array(z.string()),
  image: z
    .object({
      digest: z.string(),
      platforms: z.array(z.string()),
      compressedBytes: z.record(z.string(), z.number()),
    })
    .optional(),
});
export type Stamp = z.infer<typeof Stamp>;

export async function readStamp(outDir: string, name: string): Promise<Stamp | undefined> {
  try {
    return Stamp.parse(JSON.parse(await readFile(stampPath(outDir, name), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeStamp(outDir: string, name: string, stamp: Stamp): Promise<void> {
  await replaceFile(stampPath(outDir, name), JSON.stringify(stamp));
}

function stampPath(outDir: string, name: string): string {
  return join(outDir, 'stamps', `${name}.json`);
}
