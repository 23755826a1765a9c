import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { DeviceError, messageOf } from '../errors.js';
import type { ImageStore } from './image-store.js';
import { applyLayer, feed } from './layer.js';
import { parseImageConfig } from './manifest.js';
import { recordOf } from './process-images.js';
import { parseReference } from './reference.js';

/** `manifest.json` of what `docker save` writes. */
const ArchiveIndex = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()),
  }),
);

/**
 * Takes the images of an archive that `docker save` has written into the store.
 *
 * @param source the archive, plain or compressed with gzip
 * @returns the names of the images, or their ids where they have none
 * @throws DeviceError ARTIFACT_INVALID
 */
export async function loadArchive(
  source: Readable,
  store: ImageStore,
  now: number,
  signal: AbortSignal,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'docker-load-'));
  try {
    await spread(source, folder, signal);
    const path = (name: string) => join(folder, normalize(join('/', name)));
    const text = await readFile(path('manifest.json'), 'utf8').catch(() => undefined);
    const index = text === undefined ? undefined : ArchiveIndex.safeParse(JSON.parse(text)).data;
    if (!index) {
      throw new DeviceError('ARTIFACT_INVALID', 'The archive has no manifest.json as docker save writes it.');
    }
    const loaded: string[] = [];
    for (const { Config, RepoTags, Layers } of index) {
      const body = await readFile(path(Config));
      const id = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      const name = RepoTags?.[0] ?? id;
      const config = parseImageConfig(body, name);
      const layers = Layers.map((layer) => ({ mediaType: '', digest: layer, size: 0 }));
      const descriptor = { mediaType: '', digest: id, size: body.length };
      const image = recordOf(id, { config: descriptor, layers }, config, name, now);
      for (const [position, chain] of image.chains.entries()) {
        if (store.hasLayer(chain)) continue;
        const diffId = config.rootfs.diff_ids[position] ?? '';
        const file = path(Layers[position] ?? '');
        await store.addLayer(chain, image.chains[position - 1], (root) =>
          applyLayer({ file, root, diffId, name, signal }),
        );
      }
      for (const tag of RepoTags ?? []) {
        const reference = parseReference(tag);
        store.use(reference);
        store.record(reference, image);
        loaded.push(tag);
      }
      if (!RepoTags?.length) {
        const reference = parseReference(`localhost/loaded@${id}`);
        store.use(reference);
        store.record(reference, image);
        loaded.push(id);
      }
    }
    return loaded;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeviceError) throw error;
    throw new DeviceError('ARTIFACT_INVALID', `The image archive cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes an archive's files into a folder; links, which older archives have for equal layers, become copies. */
async function spread(source: Readable, folder: string, signal: AbortSignal): Promise<void> {
  const file = join(folder, '.archive');
  await pipeline(source, createWriteStream(file), { signal });
  const handle = createReadStream(file, { start: 0, end: 1 });
  const chunks: Buffer[] = [];
  for await (const chunk of handle) chunks.push(chunk as Buffer);
  const isCompressed = Buffer.concat(chunks).equals(Buffer.from([0x1f, 0x8b]));
  const tar = extract();
  const through = isCompressed
    ? createGunzip()
    : new Transform({ transform: (chunk, _, done) => done(null, chunk) });
  const writing = pipeline(
    createReadStream(file),
    through,
    (data: AsyncIterable<Buffer>) => feed(tar, data),
    { signal },
  );
  writing.catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  for await (const entry of tar) {
    const { name, type, linkname } = entry.header;
    const target = join(folder, normalize(join('/', name)));
    if (type === 'file') {
      await mkdir(dirname(target), { recursive: true });
      const output = createWriteStream(target);
      for await (const chunk of entry) {
        if (!output.write(chunk)) await new Promise<void>((resolve) => output.once('drain', () => resolve()));
      }
      await new Promise<void>((resolve, reject) => {
        output.on('error', reject);
        output.end(() => resolve());
      });
    } else {
      entry.resume();
      if (type === 'symlink') {
        const original = join(folder, normalize(join('/', dirname(name), linkname)));
        await mkdir(dirname(target), { recursive: true });
        if ((await stat(original).catch(() => undefined))?.isFile()) {
          await pipeline(createReadStream(original), createWriteStream(target));
        } else if (basename(target) !== 'repositories') {
          throw new Error(`${name} is a link to ${linkname}, which is not there`);
        }
      }
    }
  }
  await writing;
  await rm(file);
}
