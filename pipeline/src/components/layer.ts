import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Gzip } from 'fflate';
import { pack } from 'tar-stream';
import { sorted, type TreeEntry } from './tree.js';

/** A layer's entry: a tree's with what COPY may say about owner and mode. */
export type LayerEntry = TreeEntry & { readonly mode?: number; readonly uid?: number; readonly gid?: number };

/**
 * How layers are compressed. `portable`: the same bytes on every machine, since it is JavaScript (the zlib
 * of Node.js compresses differently with another processor or version). `fast`: by zlib, for images that
 * stay on this machine.
 */
export type Compression = 'portable' | 'fast';

export interface Layer {
  /** `sha256:…` of the compressed bytes. */
  readonly digest: string;
  /** `sha256:…` of the tar itself. */
  readonly diffId: string;
  /** Compressed, in bytes. */
  readonly size: number;
}

export interface LayerOptions {
  readonly compression: Compression;
  /** Modification time of all that is in it, in seconds since 1970. */
  readonly epoch: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a layer to a folder, as a file named by its digest's hexadecimal part. The same entries give the
 * same bytes: sorted, with one time and no names of users.
 */
export async function writeLayer(
  folder: string,
  entries: readonly LayerEntry[],
  { compression, epoch, signal }: LayerOptions,
): Promise<Layer> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.layer-${process.pid}-${counter++}`);
  const plain = new Hashing();
  const compressed = new Hashing();
  const tar = pack();
  try {
    const gzip = compression === 'portable' ? portableGzip() : createGzip({ level: 1 });
    const written = pipeline(tar, plain, gzip, compressed, createWriteStream(temporary), { signal });
    await Promise.all([written, fill(tar, entries, epoch)]);
    const digest = compressed.digest();
    await rename(temporary, join(folder, digest.slice('sha256:'.length)));
    return { digest, diffId: plain.digest(), size: compressed.bytes };
  } finally {
    await rm(temporary, { force: true });
  }
}

let counter = 0;

async function fill(tar: ReturnType<typeof pack>, entries: readonly LayerEntry[], epoch: number) {
  try {
    for (const entry of sorted(entries)) {
      const header = {
        uid: entry.uid ?? 0,
        gid: entry.gid ?? 0,
        mtime: new Date(epoch * 1000),
      };
      if (entry.kind === 'directory') {
        tar.entry({ ...header, name: `${entry.path}/`, type: 'directory', mode: entry.mode ?? 0o755 });
      } else if (entry.kind === 'symlink') {
        tar.entry({ ...header, name: entry.path, type: 'symlink', linkname: entry.target, mode: 0o777 });
      } else {
        const mode = entry.mode ?? (entry.executable ? 0o755 : 0o644);
        const sink = tar.entry({ ...header, name: entry.path, type: 'file', size: entry.size, mode });
        const { source } = entry;
        await pipeline(typeof source === 'string' ? createReadStream(source) : Readable.from([source]), sink);
      }
    }
    tar.finalize();
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Passes bytes on, counts them and takes their digest. */
class Hashing extends Transform {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    done(null, chunk);
  }
}

function portableGzip(): Transform {
  const gzip = new Gzip({ level: 6, mtime: 0 });
  // What comes out depends on how it is cut, and a stream's pieces are of any size.
  const piece = Buffer.allocUnsafe(PIECE);
  let filled = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        const copied = chunk.copy(piece, filled, at);
        at += copied;
        filled += copied;
        if (filled === PIECE) {
          gzip.push(Uint8Array.from(piece));
          filled = 0;
        }
      }
      // Compressing keeps this thread busy; signals and timers get their turn between the pieces.
      setImmediate(done);
    },
    flush(done) {
      gzip.push(Uint8Array.from(piece.subarray(0, filled)), true);
      done();
    },
  });
  gzip.ondata = (chunk) => stream.push(chunk);
  return stream;
}

/** In bytes. */
const PIECE = 65_536;
