import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { backoff, type Clock, pause } from '../../clock.js';
import { flushFolder } from '../../durable-file.js';
import { errnoOf, messageOf } from '../../errors.js';
import type { Log } from '../../log/device-log.js';
import { DeploymentError } from '../failure.js';
import { type ArtifactSource, OfflineError } from './source.js';

export interface DownloadOptions {
  /** As errors and logs name it. */
  readonly name: string;
  readonly source: ArtifactSource;
  /** Where it is to be; nothing is ever there but the whole of it. */
  readonly file: string;
  /** SHA-256 in base64; undefined for an artifact whose recipe has none. */
  readonly digest: string | undefined;
  /** How often in a row the network may break without a byte coming through. */
  readonly attempts: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What a file is called while it is not whole. */
export const PARTIAL = '.part';
/** Bytes that a download leaves free on the device, as the nucleus does. */
const KEPT_FREE = 20 * 1024 * 1024;
const RETRY_BASE = 1_000;
const RETRY_CEILING = 60_000;

/**
 * Downloads an artifact beside its place, going on where an earlier attempt ended, checks it, and puts it in its
 * place.
 *
 * @throws DeploymentError, or the signal's reason
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { file, clock, log, signal, name } = options;
  const partial = `${file}${PARTIAL}`;
  mkdirSync(dirname(file), { recursive: true });
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    const before = sizeOf(partial);
    try {
      await transfer(options, partial, before);
      const digest = options.digest === undefined ? undefined : await digestOf(partial);
      if (digest === options.digest) {
        renameSync(partial, file);
        flushFolder(dirname(file));
        return;
      }
      rmSync(partial, { force: true });
      // What an earlier attempt left may be of another file; what came in one piece is what there is.
      if (before > 0) continue;
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'ARTIFACT_CHECKSUM_MISMATCH'],
        `${name} is not what its recipe promises: its SHA-256 is ${digest}, the recipe says ${options.digest}.`,
      );
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof OfflineError)) throw error;
      failures = sizeOf(partial) > before ? 1 : failures + 1;
      if (failures >= options.attempts) {
        throw new DeploymentError(
          ['ARTIFACT_DOWNLOAD_ERROR', 'NETWORK_ERROR'],
          `${name} cannot be downloaded: ${error.message}.`,
          [],
          { cause: error },
        );
      }
      log('warn', `The download of ${name} was interrupted and is tried again: ${error.message}`);
    }
    await pause(clock, backoff(failures - 1, RETRY_BASE, RETRY_CEILING), signal);
  }
}

/** Brings the rest of the artifact; when it resolves, the partial file has all of it. */
async function transfer(options: DownloadOptions, partial: string, offset: number): Promise<void> {
  const { source, signal, name } = options;
  const { body, start, size } = await source.open(offset, signal);
  if (size !== undefined) requireSpace(name, dirname(partial), size - start);
  let written = start;
  const file = openSync(partial, start === 0 ? 'w' : 'a', 0o600);
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
      written += chunk.length;
    }
    fsyncSync(file);
  } catch (error) {
    signal.throwIfAborted();
    const errno = errnoOf(error);
    if (errno === 'ENOSPC' || errno === 'EDQUOT') {
      rmSync(partial, { force: true });
      throw diskFull(name, messageOf(error));
    }
    if (errno === 'EFBIG' || errno === 'EIO' || errno === 'EROFS') {
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'IO_WRITE_ERROR'],
        `${name} cannot be written: ${messageOf(error)}.`,
      );
    }
    if (error instanceof DeploymentError) throw error;
    throw new OfflineError(messageOf(error), { cause: error });
  } finally {
    closeSync(file);
  }
  if (size !== undefined && written < size) {
    throw new OfflineError(`the connection ended after ${written} of ${size} bytes`);
  }
  if (size !== undefined && written > size) {
    rmSync(partial, { force: true });
    throw new OfflineError(`${written} bytes came where there should be ${size}`);
  }
}

function requireSpace(name: string, folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (bytes + KEPT_FREE <= free) return;
  throw diskFull(name, `it needs ${bytes} bytes, and ${free} are free of which ${KEPT_FREE} are kept`);
}

function diskFull(name: string, reason: string): DeploymentError {
  return new DeploymentError(
    ['ARTIFACT_DOWNLOAD_ERROR', 'DISK_SPACE_CRITICAL'],
    `There is no room on the device for ${name}: ${reason}.`,
  );
}

/** The SHA-256 of a file, in base64 as recipes have it. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('base64');
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
