import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

/** Bytes that are read from a file at once. */
const PIECE = 256 * 1024;

/**
 * Files of blobs, named by their digests, and of uploads under way. A blob's file is complete when it gets its
 * name; whether anything refers to it is known elsewhere.
 */
export class BlobFiles {
  readonly #blobs: string;
  readonly #uploads: string;
  /** The hash of what an upload has so far; made anew from the file when it is missing. */
  readonly #hashes = new Map<string, Hash>();

  constructor(directory: string) {
    this.#blobs = join(directory, 'blobs', 'sha256');
    this.#uploads = join(directory, 'uploads');
    mkdirSync(this.#blobs, { recursive: true });
    mkdirSync(this.#uploads, { recursive: true });
  }

  /** Removes files that a process which was killed left behind, and what it had not acknowledged of uploads. */
  recover(isBlob: (digest: string) => boolean, sizeOfUpload: (uploadId: string) => number | undefined): void {
    for (const shard of readdirSync(this.#blobs)) {
      for (const hex of readdirSync(join(this.#blobs, shard))) {
        if (!isBlob(`sha256:${hex}`)) this.remove(`sha256:${hex}`);
      }
    }
    for (const uploadId of readdirSync(this.#uploads)) {
      const size = sizeOfUpload(uploadId);
      if (size === undefined) this.discard(uploadId);
      else truncateSync(this.#uploadPath(uploadId), size);
    }
  }

  hasUpload(uploadId: string): boolean {
    return existsSync(this.#uploadPath(uploadId));
  }

  /** Begins an upload of no bytes. */
  begin(uploadId: string): void {
    closeSync(openSync(this.#uploadPath(uploadId), 'wx', 0o600));
    this.#hashes.set(uploadId, createHash('sha256'));
  }

  /**
   * Appends to an upload that has `size` bytes; all or, when `parts` fails, nothing.
   *
   * @returns its size then.
   */
  async append(uploadId: string, size: number, parts: AsyncIterable<Uint8Array>): Promise<number> {
    const before = this.#hashes.get(uploadId);
    const hash = before?.copy();
    // Nothing is known of the file's hash until all is written.
    this.#hashes.delete(uploadId);
    const file = await open(this.#uploadPath(uploadId), 'r+');
    try {
      let at = size;
      for await (const part of parts) {
        hash?.update(part);
        await writeAll(file, part, at);
        at += part.length;
      }
      if (hash) this.#hashes.set(uploadId, hash);
      return at;
    } catch (error) {
      ftruncateSync(file.fd, size);
      if (before) this.#hashes.set(uploadId, before);
      throw error;
    } finally {
      await file.close();
    }
  }

  /** The digest of what an upload has. */
  async digestOf(uploadId: string): Promise<string> {
    let hash = this.#hashes.get(uploadId)?.copy();
    if (!hash) {
      hash = createHash('sha256');
      for await (const part of createReadStream(this.#uploadPath(uploadId), { highWaterMark: PIECE })) {
        hash.update(part as Uint8Array);
      }
    }
    return `sha256:${hash.digest('hex')}`;
  }

  /** Makes an upload the blob of its digest. */
  keep(uploadId: string, digest: string): void {
    const path = this.#blobPath(digest);
    mkdirSync(join(path, '..'), { recursive: true });
    if (existsSync(path)) this.discard(uploadId);
    else renameSync(this.#uploadPath(uploadId), path);
    this.#hashes.delete(uploadId);
  }

  /** Ends an upload. */
  discard(uploadId: string): void {
    rmSync(this.#uploadPath(uploadId), { force: true });
    this.#hashes.delete(uploadId);
  }

  remove(digest: string): void {
    rmSync(this.#blobPath(digest), { force: true });
  }

  /**
   * The bytes of a blob from `start` up to, not including, `end`. The file is open when this resolves, so it may
   * be removed from then on.
   */
  async read(digest: string, start: number, end: number): Promise<Readable> {
    const file = await open(this.#blobPath(digest), 'r');
    const stream = Readable.from(pieces(file, start, end), { objectMode: false, highWaterMark: PIECE });
    stream.once('close', () => void file.close().catch(() => {}));
    return stream;
  }

  #blobPath(digest: string): string {
    const hex = digest.slice('sha256:'.length);
    return join(this.#blobs, hex.slice(0, 2), hex);
  }

  #uploadPath(uploadId: string): string {
    return join(this.#uploads, uploadId);
  }
}

async function* pieces(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const length = Math.min(PIECE, end - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw new Error('the file of a blob is shorter than the blob');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeAll(file: FileHandle, part: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < part.length; ) {
    const { bytesWritten } = await file.write(part, done, part.length - done, position + done);
    done += bytesWritten;
  }
}
