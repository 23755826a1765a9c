import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, lchown, link, lstat, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Extract, extract, type Header } from 'tar-stream';
import { DeviceError, messageOf } from '../errors.js';
import { containedTarget, resolveInRoot } from './paths-in-root.js';

/** What an image may ask of the machine. */
export interface LayerBounds {
  /** Bytes of all of a layer's files. */
  readonly bytes: number;
  readonly entries: number;
}

export const LAYER_BOUNDS: LayerBounds = { bytes: 8 * 2 ** 30, entries: 500_000 };

/** One member of the archive, with its content. */
type Entry = Extract extends AsyncIterable<infer Member> ? Member : never;

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const IS_ROOT = process.getuid?.() === 0;

/**
 * Lays a layer over an unpacked file system (OCI image-spec 1.1, "Image Layer Filesystem Changeset"): files are
 * made anew and never written in place, as other trees may share them by hard links. Device nodes are left out,
 * and set-user-id bits dropped: the files lie in this machine's own file system.
 *
 * @param file the layer as the registry serves it, plain or compressed with gzip
 * @param diffId digest of the uncompressed archive, which must fit
 * @throws DeviceError ARTIFACT_INVALID
 */
export async function applyLayer(options: {
  readonly file: string;
  readonly root: string;
  readonly diffId: string;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly bounds?: LayerBounds;
}): Promise<void> {
  const { file, root, diffId, name, signal, bounds = LAYER_BOUNDS } = options;
  const compression = await compressionOf(file);
  if (compression === 'zstd') {
    throw new DeviceError(
      'ARTIFACT_INVALID',
      `A layer of ${name} is compressed with zstd, which is not built; push the image with gzip layers.`,
    );
  }
  const hash = createHash('sha256');
  let unpacked = 0;
  // The archive itself is bounded too: a few bytes of gzip can become anything.
  const limit = bounds.bytes + bounds.entries * 2048;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      unpacked += chunk.length;
      done(unpacked > limit ? new Error('it unpacks to more than an image may') : null, chunk);
    },
  });
  const tar = extract();
  const changeset = new Changeset(root, bounds);
  try {
    const applying = (async () => {
      for await (const entry of tar) await changeset.apply(entry);
    })();
    // What cannot be applied ends the reading, too.
    applying.catch((error: unknown) => tar.destroy(asError(error)));
    const reading = pipeline(
      createReadStream(file),
      compression === 'gzip' ? createGunzip() : new PassThrough(),
      counted,
      (source: AsyncIterable<Buffer>) => feed(tar, source),
      { signal },
    );
    // What cannot be read ends the applying.
    reading.catch((error: unknown) => tar.destroy(asError(error)));
    const [applied, read] = await Promise.allSettled([applying, reading]);
    for (const outcome of [applied, read]) if (outcome.status === 'rejected') throw outcome.reason;
    await changeset.finish();
  } catch (error) {
    signal.throwIfAborted();
    throw new DeviceError('ARTIFACT_INVALID', `A layer of ${name} cannot be unpacked: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest !== diffId) {
    throw new DeviceError(
      'ARTIFACT_INVALID',
      `A layer of ${name} unpacks to ${digest}, but its configuration says ${diffId}.`,
    );
  }
}

/** Writes an archive into its parser, no faster than its members are taken. */
export async function feed(tar: Extract, source: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of source) {
    if (tar.destroyed) return;
    if (!tar.write(chunk)) await drained(tar);
  }
  tar.end(undefined);
}

function drained(tar: Extract): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      tar.off('drain', done);
      tar.off('close', done);
      resolve();
    };
    tar.on('drain', done);
    tar.on('close', done);
  });
}

/** One layer on its way into a file system. */
class Changeset {
  #bytes = 0;
  #entries = 0;
  /** What this layer itself has put there, which its whiteouts do not mean. */
  readonly #own = new Set<string>();
  /** Modes of folders, set at the end: a folder that may not be written still gets its files. */
  readonly #folderModes = new Map<string, number>();

  constructor(
    private readonly root: string,
    private readonly bounds: LayerBounds,
  ) {}

  async apply(entry: Entry): Promise<void> {
    const { header } = entry;
    this.#entries += 1;
    this.#bytes += header.size ?? 0;
    if (this.#entries > this.bounds.entries || this.#bytes > this.bounds.bytes) {
      throw new Error('it holds more than an image may');
    }
    const path = await resolveInRoot(this.root, header.name, false);
    if (path === this.root) {
      entry.resume();
      return;
    }
    const name = basename(path);
    if (name.startsWith(WHITEOUT)) {
      entry.resume();
      await this.#whiteOut(dirname(path), name);
      return;
    }
    await this.#place(entry, path);
    for (let own = path; own !== this.root && !this.#own.has(own); own = dirname(own)) this.#own.add(own);
  }

  async finish(): Promise<void> {
    for (const [path, mode] of this.#folderModes) {
      // It may have been replaced by a later entry.
      if ((await lstat(path).catch(() => undefined))?.isDirectory()) await chmod(path, mode);
    }
  }

  async #place(entry: Entry, path: string): Promise<void> {
    const { header } = entry;
    await mkdir(dirname(path), { recursive: true });
    // Set-user-id and set-group-id are dropped.
    const mode = (header.mode ?? 0o755) & 0o1777;
    const existing = await lstat(path).catch(() => undefined);
    if (header.type === 'directory') {
      if (!existing?.isDirectory()) {
        if (existing) await rm(path, { force: true });
        await mkdir(path);
      }
      this.#folderModes.set(path, mode);
      entry.resume();
      await this.#setOwner(path, header);
      return;
    }
    switch (header.type) {
      case 'file':
      case 'contiguous-file':
        if (existing) await rm(path, { recursive: true, force: true });
        await writeEntry(entry, path, mode);
        break;
      case 'symlink':
        if (existing) await rm(path, { recursive: true, force: true });
        await symlink(containedTarget(this.root, path, header.linkname ?? ''), path);
        break;
      case 'link': {
        const target = await resolveInRoot(this.root, header.linkname ?? '', false);
        const found = await lstat(target).catch(() => undefined);
        if (!found || found.isDirectory()) {
          throw new Error(`${header.name} is a hard link to ${header.linkname}, which is not there`);
        }
        if (target !== path) {
          if (existing) await rm(path, { recursive: true, force: true });
          await link(target, path);
        }
        entry.resume();
        return;
      }
      default:
        // Device nodes and FIFOs are the machine's own matter; extended headers are read by the parser.
        entry.resume();
        return;
    }
    entry.resume();
    await this.#setOwner(path, header);
  }

  async #setOwner(path: string, header: Header): Promise<void> {
    if (IS_ROOT) await lchown(path, header.uid ?? 0, header.gid ?? 0);
  }

  async #whiteOut(folder: string, name: string): Promise<void> {
    const doomed =
      name === OPAQUE
        ? (await readdir(folder).catch(() => [])).map((child) => join(folder, child))
        : [join(folder, basename(name.slice(WHITEOUT.length)))];
    for (const path of doomed) {
      if (path === folder || path === dirname(folder)) throw new Error(`${name} is no whiteout`);
      await this.#removeLower(path);
    }
  }

  /** Removes what lower layers have at a path and below it. */
  async #removeLower(path: string): Promise<void> {
    if (!this.#own.has(path)) {
      await rm(path, { recursive: true, force: true });
      return;
    }
    if (!(await lstat(path)).isDirectory()) return;
    for (const child of await readdir(path)) await this.#removeLower(join(path, child));
  }
}

async function writeEntry(entry: Entry, path: string, mode: number): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
  try {
    for await (const chunk of entry) await file.writeFile(chunk as Buffer);
    await file.chmod(mode);
  } finally {
    await file.close();
  }
}

/** How a layer is compressed, by its first bytes: media types of old images are not always true. */
async function compressionOf(path: string): Promise<'gzip' | 'zstd' | 'none'> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt16BE(0) === 0x1f8b) return 'gzip';
    return buffer.readUInt32BE(0) === 0x28b52ffd ? 'zstd' : 'none';
  } finally {
    await file.close();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
