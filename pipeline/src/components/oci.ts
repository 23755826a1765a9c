import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Media types of the OCI image specification 1.1 (media-types.md). */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits');

/** A content descriptor (descriptor.md). */
export const Descriptor = z.object({
  mediaType: z.string(),
  digest: Digest,
  size: z.int().min(0),
  platform: z.object({ architecture: z.string(), os: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type Descriptor = z.infer<typeof Descriptor>;

/** An image index (image-index.md). */
export const ImageIndex = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z.array(Descriptor),
});
export type ImageIndex = z.infer<typeof ImageIndex>;

/** An image manifest (manifest.md). */
export const ImageManifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: Descriptor,
  layers: z.array(Descriptor),
});
export type ImageManifest = z.infer<typeof ImageManifest>;

/** `sha256:…` of bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Where a layout keeps a blob (image-layout.md). */
export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}

/** Begins a layout in an empty folder. */
export async function startLayout(layout: string): Promise<void> {
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

/** Writes a JSON document as a blob. */
export async function writeJsonBlob(layout: string, mediaType: string, value: unknown): Promise<Descriptor> {
  const text = JSON.stringify(value);
  const digest = digestOf(text);
  await writeFile(blobPath(layout, digest), text);
  return { mediaType, digest, size: Buffer.byteLength(text) };
}

/**
 * Writes an image index over the platforms' manifests and ends the layout with it, under a name that tools
 * such as skopeo find it by (`oci:<layout>:<name>`).
 */
export async function finishLayout(
  layout: string,
  name: string,
  manifests: readonly Descriptor[],
): Promise<Descriptor> {
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const;
  const descriptor = await writeJsonBlob(layout, mediaTypes.index, index);
  const annotations = { 'org.opencontainers.image.ref.name': name };
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ ...descriptor, annotations }],
    }),
  );
  return descriptor;
}

/** An image in a layout: its index, and the manifest of each platform. */
export interface LayoutImage {
  readonly index: Descriptor;
  readonly manifests: readonly { readonly descriptor: Descriptor; readonly manifest: ImageManifest }[];
}

/**
 * Reads the one image of a layout; one without an index (as some tools write for one platform) is refused.
 *
 * @throws Error when files are missing or are not what the specification says
 */
export async function readLayout(layout: string): Promise<LayoutImage> {
  const { manifests } = ImageIndex.parse(JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')));
  const [index, ...others] = manifests;
  if (!index || others.length > 0) throw new Error(`${layout} holds ${manifests.length} images, not one`);
  if (index.mediaType !== mediaTypes.index) throw new Error(`${layout} has no image index`);
  const { annotations: _, ...descriptor } = index;
  const inner = ImageIndex.parse(await readJsonBlob(layout, index.digest));
  return {
    index: descriptor,
    manifests: await Promise.all(
      inner.manifests.map(async (entry) => ({
        descriptor: entry,
        manifest: ImageManifest.parse(await readJsonBlob(layout, entry.digest)),
      })),
    ),
  };
}

/** Every blob of an image, manifests included, each once. */
export function blobsOf({ index, manifests }: LayoutImage): Descriptor[] {
  const all = manifests.flatMap(({ descriptor, manifest }) => [
    ...manifest.layers,
    manifest.config,
    descriptor,
  ]);
  return [...new Map([...all, index].map((blob) => [blob.digest, blob])).values()];
}

/** Whether each blob of a layout is there with its size; small ones are read and checked against their digest. */
export async function isWhole(layout: string, digest: string): Promise<boolean> {
  try {
    const image = await readLayout(layout);
    if (image.index.digest !== digest) return false;
    const checks = blobsOf(image).map(async (blob) => {
      const path = blobPath(layout, blob.digest);
      if ((await stat(path)).size !== blob.size) return false;
      return blob.size > SMALL || digestOf(await readFile(path)) === blob.digest;
    });
    return (await Promise.all(checks)).every(Boolean);
  } catch {
    return false;
  }
}

/** In bytes. */
const SMALL = 1_000_000;

async function readJsonBlob(layout: string, digest: string): Promise<unknown> {
  const bytes = await readFile(blobPath(layout, digest));
  if (digestOf(bytes) !== digest) throw new Error(`The blob ${digest} of ${layout} has other content`);
  return JSON.parse(bytes.toString('utf8'));
}
