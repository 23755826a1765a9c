import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { type BuildContext, linkOrCopy } from './build-context.js';
import type { CopyStep, PlatformPlan } from './image-plan.js';
import { type Layer, type LayerEntry, type LayerOptions, writeLayer } from './layer.js';
import { blobPath, type Descriptor, finishLayout, mediaTypes, startLayout, writeJsonBlob } from './oci.js';
import { replaceFile } from './replace-file.js';
import type { TreeEntry } from './tree.js';

/** An image to put together. */
export interface ImagePlan {
  /** The name of the image in its layout. */
  readonly name: string;
  /** The Dockerfile, named in messages. */
  readonly file: string;
  readonly platforms: readonly PlatformPlan[];
  readonly context: BuildContext;
  /** The folder of the layout to write; it is not there yet. */
  readonly layout: string;
}

export interface LayersOptions extends LayerOptions {
  /** Keeps layers that many images share, such as the base's. */
  readonly layerCache: string;
}

/**
 * Carries out a Dockerfile without a container engine: each COPY is a layer, the rest is the image's
 * configuration, and each platform has a manifest under one index. The same files give the same bytes.
 *
 * @throws MooringError `CopySourceMissing`
 */
export async function buildWithLayers(plan: ImagePlan, options: LayersOptions): Promise<Descriptor> {
  await startLayout(plan.layout);
  const manifests: Descriptor[] = [];
  for (const platform of plan.platforms) manifests.push(await buildPlatform(plan, platform, options));
  return finishLayout(plan.layout, plan.name, manifests);
}

async function buildPlatform(
  plan: ImagePlan,
  { os, architecture, copies, config }: PlatformPlan,
  options: LayersOptions,
): Promise<Descriptor> {
  const layers: Layer[] = [];
  const there = new Map<string, TreeEntry['kind']>();
  for (const copy of copies) layers.push(await copyLayer(plan, copy, there, options));
  const created = new Date(options.epoch * 1000).toISOString().replace('.000Z', 'Z');
  const history = copies.map((copy) => ({ created, created_by: words(copy) }));
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const manifest = await writeJsonBlob(plan.layout, mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: await writeJsonBlob(plan.layout, mediaTypes.config, {
      created,
      architecture,
      os,
      config,
      rootfs,
      history,
    }),
    layers: layers.map(({ digest, size }) => ({ mediaType: mediaTypes.layer, digest, size })),
  });
  return { ...manifest, platform: { architecture, os } };
}

function words({ sources, given }: CopyStep): string {
  return `COPY ${[...sources, given].join(' ')}`;
}

/** @param there what earlier layers hold; this one's is added */
async function copyLayer(
  plan: ImagePlan,
  copy: CopyStep,
  there: Map<string, TreeEntry['kind']>,
  options: LayersOptions,
): Promise<Layer> {
  const { target, mode, uid, gid } = copy;
  const where = `${plan.file}, line ${copy.line}`;
  const asFolder = copy.given.endsWith('/') || copy.sources.length > 1 || target === '';
  const entries = new Map<string, LayerEntry>();
  const identities: (string | undefined)[] = [];
  const made: string[] = [];
  /** Folders on the way to a target are made when they are missing, and are the new files' owner's. */
  const addFolders = (path: string) => {
    const levels = path.split('/').filter(Boolean);
    for (let depth = 1; depth <= levels.length; depth++) {
      const folder = levels.slice(0, depth).join('/');
      const kind = there.get(folder) ?? entries.get(folder)?.kind;
      if (kind === 'directory') continue;
      if (kind !== undefined) {
        throw new MooringError(
          'DockerfileInvalid',
          `${where}: /${folder} of the image is a ${kind}; copy to the folder itself`,
        );
      }
      entries.set(folder, { kind: 'directory', path: folder, uid, gid });
      made.push(folder);
    }
  };
  for (const source of copy.sources) {
    const found = await plan.context.find(source);
    if (!found) {
      throw new MooringError(
        'CopySourceMissing',
        `${where}: there is no ${source} to copy; there are ${plan.context.paths.join(', ')}`,
      );
    }
    identities.push(found.identity);
    const into = found.file !== undefined && asFolder ? join(target, found.file) : target;
    if (found.file === undefined) addFolders(into);
    for (const entry of found.entries) {
      const path = [into, entry.path].filter(Boolean).join('/');
      addFolders(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      entries.set(path, {
        ...entry,
        path,
        uid,
        gid,
        ...(mode !== undefined && entry.kind !== 'symlink' && { mode }),
      });
    }
  }
  const list = [...entries.values()];
  for (const { path, kind } of list) there.set(path, kind);
  if (!identities.every((identity) => identity !== undefined)) {
    return writeLayer(join(plan.layout, 'blobs', 'sha256'), list, options);
  }
  const { compression, epoch } = options;
  const known = JSON.stringify({
    ...{ FORMAT, identities, target, asFolder, made, mode, uid, gid, compression, epoch },
  });
  return cachedLayer(known, list, plan.layout, options);
}

/** Changes with the way in which layers are written. */
const FORMAT = 1;

const CachedLayer = z.object({ digest: z.string(), diffId: z.string(), size: z.int() });

/** A layer that is written once for all images. */
async function cachedLayer(
  known: string,
  entries: readonly LayerEntry[],
  layout: string,
  options: LayersOptions,
): Promise<Layer> {
  const key = createHash('sha256').update(known).digest('hex').slice(0, 32);
  const record = join(options.layerCache, `${key}.json`);
  const fileOf = ({ digest }: Layer) => join(options.layerCache, digest.slice('sha256:'.length));
  const layer = await readCached(record, fileOf);
  if (layer) {
    await linkOrCopy(fileOf(layer), blobPath(layout, layer.digest));
    return layer;
  }
  const written = await writeLayer(options.layerCache, entries, options);
  await replaceFile(record, JSON.stringify(written));
  await linkOrCopy(fileOf(written), blobPath(layout, written.digest));
  return written;
}

/** @returns undefined when it is not there, or not whole */
async function readCached(record: string, fileOf: (layer: Layer) => string): Promise<Layer | undefined> {
  try {
    const layer = CachedLayer.parse(JSON.parse(await readFile(record, 'utf8')));
    return (await stat(fileOf(layer))).size === layer.size ? layer : undefined;
  } catch {
    return undefined;
  }
}
