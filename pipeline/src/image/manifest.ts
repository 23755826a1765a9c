import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { stacks } from '../target.js';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What is to know of an image that was built. */
export const ImageManifest = z.object({
  version: z.literal(1),
  target: z.enum(['generic', 'rpi']),
  stack: z.enum(stacks),
  /** Name of the compressed image, beside the manifest. */
  file: z.string().regex(/^[a-z0-9.-]+$/),
  /** Of the compressed image. */
  sha256: Sha256,
  bytes: z.number().int().positive(),
  /** What is written to the medium, in bytes. */
  imageBytes: z.number().int().positive(),
  built: z.iso.datetime(),
  /** SHA-256 of what was fetched of AWS. */
  greengrass: z.object({ nucleus: Sha256, fleetProvisioning: Sha256 }).optional(),
});
export type ImageManifest = z.infer<typeof ImageManifest>;

export const imageTargets = ImageManifest.shape.target.options;
export type ImageTarget = ImageManifest['target'];

const FILE = 'manifest.json';

/** Writes the manifest beside its image, last: it alone says that there is one. */
export async function writeManifest(folder: string, manifest: ImageManifest): Promise<void> {
  const path = join(folder, FILE);
  await writeFile(`${path}.new`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

/** Reads the manifest of a folder; undefined when nothing was built there. @throws MooringError `BadManifest` */
export async function readManifest(folder: string): Promise<ImageManifest | undefined> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return parseManifest(text, path);
}

/** @param name of the manifest, for errors. @throws MooringError `BadManifest` */
export function parseManifest(text: string, name: string): ImageManifest {
  try {
    return ImageManifest.parse(JSON.parse(text));
  } catch (error) {
    throw new MooringError('BadManifest', `${name} is no manifest of an image: build the image again`, {
      cause: error,
    });
  }
}
