import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { explain } from '../../errors.js';

/** What a file must be. */
export interface Expected {
  readonly algorithm: 'sha256' | 'sha512';
  /** Hexadecimal. */
  readonly hash: string;
}

/** Why a file could not be fetched. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';

  constructor(
    readonly code: 'NOT_FOUND' | 'UNREACHABLE' | 'WRONG_CONTENT' | 'REFUSED',
    message: string,
  ) {
    super(message);
  }
}

/**
 * Fetches a file to a path, unless it is there; only a whole one with the right checksum ever gets there.
 *
 * @throws DownloadError
 */
export async function download(
  url: string,
  path: string,
  expected: Expected,
  signal?: AbortSignal,
): Promise<void> {
  if (await exists(path)) return;
  const response = await get(url, signal);
  if (!response.body) throw new DownloadError('REFUSED', `${url} has no content`);
  const hash = createHash(expected.algorithm);
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      await pipeline(Readable.fromWeb(response.body), hashing, createWriteStream(temporary), { signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Error && 'syscall' in error && 'path' in error) throw error;
      throw new DownloadError('UNREACHABLE', `${url} broke off (${explain(error)})`);
    }
    if (hash.digest('hex') !== expected.hash) {
      throw new DownloadError('WRONG_CONTENT', `${url} is not what was pinned: its checksum is another`);
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** @throws DownloadError */
export async function get(
  url: string,
  signal?: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers, ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new DownloadError('UNREACHABLE', `${new URL(url).host} is not reached (${explain(cause)})`);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  const code = response.status === 404 || response.status === 410 ? 'NOT_FOUND' : 'REFUSED';
  throw new DownloadError(code, `${url} is answered with ${response.status}`);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
