import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { backoff, type Clock, pause } from '../clock.js';
import { readProcess } from '../component/process-table.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Descriptor } from './manifest.js';
import type { RegistryClient } from './registry-client.js';

const TRIES_WITHOUT_PROGRESS = 4;
/** Milliseconds without a byte after which a download is begun anew where it stopped. */
const STALLED_AFTER = 60_000;

export interface DownloadOptions {
  readonly client: RegistryClient;
  readonly blob: Descriptor;
  /** Folder for what is on its way; shared with other processes. */
  readonly folder: string;
  readonly name: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Downloads a blob into a file; goes on where an earlier download, also one of a process that was killed,
 * stopped. Its size and digest are checked.
 *
 * @returns the file's path; the caller removes it
 * @throws DeviceError ARTIFACT_INVALID when it is not what its digest says, OFFLINE
 */
export async function downloadBlob(options: DownloadOptions): Promise<string> {
  const { blob, folder, name, clock, signal } = options;
  const path = join(folder, `${blob.digest.slice('sha256:'.length)}.${ownerMark()}`);
  await adoptAbandoned(path);
  if ((await sizeOf(path)) > blob.size) await rm(path);
  const progress = { size: await sizeOf(path), hash: await hashOf(path) };
  const adopted = progress.size;
  for (let failures = 0; progress.size < blob.size; ) {
    const before = progress.size;
    try {
      await continueDownload(options, path, progress);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DeviceError) throw error;
      failures = progress.size > before ? 0 : failures + 1;
      if (failures >= TRIES_WITHOUT_PROGRESS) {
        throw new DeviceError(
          'OFFLINE',
          `The download of ${name} broke off after ${progress.size} of ${blob.size} bytes: ${messageOf(error)}.`,
        );
      }
      await pause(clock, backoff(failures, 500, 8_000), signal);
    }
  }
  const digest = `sha256:${progress.hash.digest('hex')}`;
  if (progress.size === blob.size && digest === blob.digest) return path;
  await rm(path, { force: true });
  // A power cut may have damaged what was there before.
  if (adopted > 0) return downloadBlob(options);
  throw new DeviceError(
    'ARTIFACT_INVALID',
    `A layer of ${name} is damaged: ${blob.size} bytes with the digest ${blob.digest} were announced, ${progress.size} with ${digest} came.`,
  );
}

async function continueDownload(
  { client, blob, signal }: DownloadOptions,
  path: string,
  progress: { size: number; hash: Hash },
): Promise<void> {
  const response = await client.blobFrom(blob.digest, progress.size);
  if (response.status !== 206 && progress.size > 0) {
    // The registry sends all of it again.
    progress.size = 0;
    progress.hash = createHash('sha256');
  }
  const file = await open(path, progress.size > 0 ? 'a' : 'w');
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALLED_AFTER);
  const stop = AbortSignal.any([signal, stalled.signal]);
  const reader = response.body?.getReader();
  const cancel = () => void reader?.cancel().catch(() => {});
  stop.addEventListener('abort', cancel, { once: true });
  try {
    for (;;) {
      const chunk = await reader?.read();
      stop.throwIfAborted();
      if (chunk === undefined || chunk.done) break;
      timer.refresh();
      if (progress.size + chunk.value.length > blob.size) {
        throw new DeviceError('ARTIFACT_INVALID', `${blob.digest} is longer than the manifest says.`);
      }
      await file.writeFile(chunk.value);
      progress.hash.update(chunk.value);
      progress.size += chunk.value.length;
    }
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', cancel);
    cancel();
    await file.close();
  }
  if (progress.size < blob.size) throw new Error('the registry hung up');
}

/** Tells this process's downloads from those of others, and from those of earlier processes of its number. */
export function ownerMark(): string {
  return `${process.pid}-${readProcess(process.pid)?.startTime ?? 0}-${nextNumber()}.partial`;
}

let number = 0;
function nextNumber(): number {
  number += 1;
  return number;
}

/** Whether the process that marked a file with {@link ownerMark} still runs. */
export function ownerIsAlive(file: string): boolean {
  const [, pid, startTime] = /\.(\d+)-(\d+)-\d+\.partial$/.exec(file) ?? [];
  return readProcess(Number(pid))?.startTime === Number(startTime);
}

/** Takes over what a process that is gone had downloaded; only one of several can rename it. */
async function adoptAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  const [stem = ''] = basename(path).split('.');
  for (const file of await readdir(folder)) {
    if (!file.startsWith(`${stem}.`) || ownerIsAlive(file)) continue;
    try {
      await rename(join(folder, file), path);
      return;
    } catch {
      // Another process was quicker.
    }
  }
}

async function hashOf(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  if ((await sizeOf(path)) === 0) return hash;
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
