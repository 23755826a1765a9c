import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { replaceFile } from './replace-file.js';

/**
 * SHA-256 of files. Of big ones, such as the binary of Node.js, it is remembered for as long as the file's
 * size, times and inode stay, so that looking whether anything changed takes no second.
 */
export class FileHashes {
  readonly #known = new Map<string, Promise<string | undefined>>();
  #remembered: Promise<Map<string, string>> | undefined;
  #learned = false;

  constructor(private readonly cache: string) {}

  /** @returns hexadecimal; undefined when the file cannot be read */
  of(path: string): Promise<string | undefined> {
    const known = this.#known.get(path) ?? this.#hash(path).catch(() => undefined);
    this.#known.set(path, known);
    return known;
  }

  /** Keeps what was learned of big files; that it cannot be kept costs only time. */
  async save(): Promise<void> {
    if (!this.#learned) return;
    const remembered = Object.fromEntries(await this.#load());
    await replaceFile(this.#file, JSON.stringify(remembered)).catch(() => {});
  }

  async #hash(path: string): Promise<string> {
    const { size, mtimeMs, ctimeMs, ino, dev } = await stat(path);
    if (size < BIG)
      return createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    const key = [path, size, mtimeMs, ctimeMs, ino, dev].join('|');
    const remembered = (await this.#load()).get(key);
    if (remembered) return remembered;
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    const value = hash.digest('hex');
    (await this.#load()).set(key, value);
    this.#learned = true;
    return value;
  }

  #load(): Promise<Map<string, string>> {
    this.#remembered ??= readFile(this.#file, 'utf8').then(
      (text) => new Map(Object.entries(Remembered.safeParse(parseJson(text)).data ?? {})),
      () => new Map<string, string>(),
    );
    return this.#remembered;
  }

  get #file(): string {
    return join(this.cache, 'file-hashes.json');
  }
}

const Remembered = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/));

/** In bytes. */
const BIG = 1_000_000;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
