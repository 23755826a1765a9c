import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Store } from '../../store/store.js';

/** A piece of an object's data: `size` bytes in the blob of that id; a piece of no bytes has no file. */
export interface Segment {
  readonly blob: string;
  readonly size: number;
}

/**
 * Immutable data in files, one a blob, counted by those who refer to them. A file is complete before anything
 * refers to it, and goes only when nothing does any more: after a crash there may be files that nothing refers
 * to, which the next start removes, but never a reference to a part of a file.
 */
export interface BlobStore {
  /** Writes a blob that nothing refers to yet; leaves nothing behind when `parts` fails. */
  write(parts: AsyncIterable<Uint8Array>): Promise<Segment>;
  /** Counts one more reference; within {@link commit}. */
  refer(segments: readonly Segment[]): void;
  /** Counts one reference less; within {@link commit}. */
  release(segments: readonly Segment[]): void;
  /** Runs a transaction of the store; then removes the files that it left without a reference. Nests. */
  commit<T>(work: () => T): T;
  /** Removes a blob, if nothing came to refer to it. */
  discard(segment: Segment): void;
  /** The bytes from `start` up to, not including, `end` of segments one behind the other. */
  read(segments: readonly Segment[], start: number, end: number): Readable | Uint8Array;
  /** Waits until removed files are gone. */
  close(): Promise<void>;
}

/** Up to this many bytes are collected before they are written, and read at once. */
const PIECE = 1024 * 1024;

/** Opens the blobs below `directory`. */
export function blobStore(directory: string, store: Store): BlobStore {
  const references = store.table<number>('s3.blobs');
  const incoming = join(directory, 'incoming');
  const shards = new Set<string>();
  const removals = new Set<Promise<void>>();
  /** Blobs that are being read, and whether their file is to go when the last reader is done. */
  const readers = new Map<string, { count: number; remove: boolean }>();
  let unreferenced: string[] = [];
  let committing = false;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  removeOrphans();

  function removeOrphans(): void {
    for (const shard of readdirSync(directory)) {
      if (shard === 'incoming') continue;
      shards.add(shard);
      for (const blob of readdirSync(join(directory, shard))) {
        if (references.get(blob) === undefined) rmSync(join(directory, shard, blob), { force: true });
      }
    }
  }

  function pathOf(blob: string): string {
    const shard = blob.slice(0, 2);
    if (!shards.has(shard)) {
      mkdirSync(join(directory, shard), { recursive: true });
      shards.add(shard);
    }
    return join(directory, shard, blob);
  }

  function remove(blob: string): void {
    const reading = readers.get(blob);
    if (reading) {
      reading.remove = true;
      return;
    }
    // A file that cannot be removed now is removed by the next start, as nothing refers to it.
    const removal = rm(pathOf(blob), { force: true })
      .catch(() => {})
      .finally(() => removals.delete(removal));
    removals.add(removal);
  }

  function count(segments: readonly Segment[], change: 1 | -1): void {
    for (const { blob, size } of segments) {
      if (size === 0) continue;
      const left = (references.get(blob) ?? 0) + change;
      if (left > 0) references.put(blob, left);
      else {
        references.delete(blob);
        unreferenced.push(blob);
      }
    }
  }

  function hold(segments: readonly Segment[]): () => void {
    for (const { blob } of segments) {
      const reading = readers.get(blob);
      if (reading) reading.count += 1;
      else readers.set(blob, { count: 1, remove: false });
    }
    return () => {
      for (const { blob } of segments) {
        const reading = readers.get(blob);
        if (!reading) continue;
        reading.count -= 1;
        if (reading.count > 0) continue;
        readers.delete(blob);
        if (reading.remove) remove(blob);
      }
    };
  }

  return {
    async write(parts) {
      const blob = randomBytes(16).toString('hex');
      const temporary = join(incoming, blob);
      const { total, written, rest } = await writeFile(temporary, parts);
      try {
        if (written) await rename(temporary, pathOf(blob));
        else if (total > 0) {
          writeFileSync(temporary, Buffer.concat(rest, total));
          renameSync(temporary, pathOf(blob));
        }
      } catch (error) {
        // Where the disk is full, half a file would keep it so.
        rmSync(temporary, { force: true });
        throw error;
      }
      return { blob, size: total };
    },
    refer: (segments) => count(segments, 1),
    release: (segments) => count(segments, -1),
    commit(work) {
      if (committing) return work();
      committing = true;
      unreferenced = [];
      try {
        const result = store.transaction(work);
        for (const blob of unreferenced) if (references.get(blob) === undefined) remove(blob);
        return result;
      } finally {
        committing = false;
      }
    },
    discard({ blob }) {
      if (references.get(blob) === undefined) remove(blob);
    },
    read(segments, start, end) {
      const wanted = slices(segments, start, end);
      if (end - start <= PIECE) {
        return Buffer.concat(
          wanted.map(({ blob, from, to }) => readAt(pathOf(blob), from, to - from)),
          end - start,
        );
      }
      const release = hold(wanted.map(({ blob, from, to }) => ({ blob, size: to - from })));
      const stream = Readable.from(pieces(wanted, pathOf), { objectMode: false, highWaterMark: PIECE });
      stream.once('close', release);
      return stream;
    },
    async close() {
      while (removals.size > 0) await Promise.all(removals);
    },
  };
}

interface Slice {
  readonly blob: string;
  readonly from: number;
  readonly to: number;
}

function slices(segments: readonly Segment[], start: number, end: number): Slice[] {
  const found: Slice[] = [];
  let offset = 0;
  for (const { blob, size } of segments) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, size);
    if (from < to) found.push({ blob, from, to });
    offset += size;
  }
  return found;
}

function readAt(path: string, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < length; ) {
      const count = readSync(file, bytes, at, length - at, from + at);
      if (count === 0) throw new Error(`the file ${path} is shorter than its object`);
      at += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

async function* pieces(
  wanted: readonly Slice[],
  pathOf: (blob: string) => string,
): AsyncGenerator<Uint8Array> {
  for (const { blob, from, to } of wanted) {
    const file = await open(pathOf(blob), 'r');
    try {
      for (let at = from; at < to; ) {
        const length = Math.min(PIECE, to - at);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
        if (bytesRead === 0) throw new Error(`the file of blob ${blob} is shorter than its object`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
}

/**
 * Writes the parts to a file, unless they fit in one piece: that is left to the caller, who does it without
 * waiting. While one piece is written the next one is received.
 */
async function writeFile(
  path: string,
  parts: AsyncIterable<Uint8Array>,
): Promise<{ total: number; written: boolean; rest: Uint8Array[] }> {
  let pending: Uint8Array[] = [];
  let pendingSize = 0;
  let total = 0;
  let file: Awaited<ReturnType<typeof open>> | undefined;
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for await (const part of parts) {
      pending.push(part);
      pendingSize += part.length;
      total += part.length;
      if (pendingSize <= PIECE) continue;
      await writing;
      file ??= await open(path, 'wx');
      writing = writeAll(file, pending, pendingSize);
      // A failure is seen where the write is awaited.
      writing.catch(() => undefined);
      pending = [];
      pendingSize = 0;
    }
    await writing;
    if (file && pendingSize > 0) await writeAll(file, pending, pendingSize);
    return { total, written: file !== undefined, rest: pending };
  } catch (error) {
    await writing.catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  } finally {
    await file?.close();
  }
}

async function writeAll(
  file: Awaited<ReturnType<typeof open>>,
  parts: readonly Uint8Array[],
  size: number,
): Promise<void> {
  const { bytesWritten } = await file.writev(parts);
  if (bytesWritten === size) return;
  // The disk took a part only; the rest is written on its own, which names the error if there is one.
  const rest = Buffer.concat(parts, size).subarray(bytesWritten);
  await file.writeFile(rest);
}

/** What was read as a stream, whatever its size. */
export function asStream(data: Readable | Uint8Array): Readable {
  return data instanceof Readable ? data : Readable.from([data], { objectMode: false });
}
