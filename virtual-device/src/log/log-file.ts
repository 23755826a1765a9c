import { appendFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface LogBounds {
  /** Size at which a file is set aside. */
  readonly fileBytes: number;
  /** Size of all the files of one log together. */
  readonly totalBytes: number;
}

/** The nucleus's defaults: `logging.fileSizeKB` and `logging.totalLogsSizeKB`. */
export const DEFAULT_LOG_BOUNDS: LogBounds = { fileBytes: 1024 * 1024, totalBytes: 10 * 1024 * 1024 };

/**
 * A log file of bounded size: a full one is renamed `<name>_<yyyy_MM_dd_HH>_<n>.log`, as the nucleus
 * does, and the oldest of these are removed.
 */
export class LogFile {
  #size: number;
  #broken = false;

  constructor(
    readonly path: string,
    private readonly bounds: LogBounds,
  ) {
    this.#size = sizeOf(path);
  }

  /** Appends lines. A log that cannot be written (a full disk) never stops the device. */
  write(lines: readonly string[], now: number): void {
    let chunk: string[] = [];
    let chunkBytes = 0;
    const put = () => {
      if (chunk.length === 0) return;
      appendFileSync(this.path, `${chunk.join('\n')}\n`);
      this.#size += chunkBytes;
      chunk = [];
      chunkBytes = 0;
    };
    try {
      for (const line of lines) {
        const bytes = Buffer.byteLength(line) + 1;
        if (this.#size + chunkBytes > 0 && this.#size + chunkBytes + bytes > this.bounds.fileBytes) {
          put();
          this.#rotate(now);
        }
        chunk.push(line);
        chunkBytes += bytes;
      }
      put();
      this.#broken = false;
    } catch (error) {
      // What is there is looked at anew: somebody may have taken the file away.
      this.#size = sizeOf(this.path);
      if (!this.#broken) process.stderr.write(`The log ${this.path} cannot be written: ${String(error)}\n`);
      this.#broken = true;
    }
  }

  #rotate(now: number): void {
    const hour = new Date(now).toISOString().slice(0, 13).replace(/[-T]/g, '_');
    const stem = basename(this.path, '.log');
    const folder = dirname(this.path);
    const older = rotatedFiles(folder, stem);
    const number = older.filter(({ name }) => name.startsWith(`${stem}_${hour}_`)).length;
    const last = older.at(-1);
    const target = `${stem}_${hour}_${String(number).padStart(4, '0')}.log`;
    renameSync(this.path, join(folder, last && target <= last.name ? successor(last.name) : target));
    this.#size = 0;
    const all = rotatedFiles(folder, stem);
    let total = all.reduce((sum, { size }) => sum + size, this.bounds.fileBytes);
    for (const { name, size } of all) {
      if (total <= this.bounds.totalBytes) break;
      rmSync(join(folder, name), { force: true });
      total -= size;
    }
  }
}

/** Oldest first: the names sort by time and number. */
function rotatedFiles(folder: string, stem: string): { name: string; size: number }[] {
  return readdirSync(folder)
    .filter(
      (name) =>
        name.startsWith(`${stem}_`) && /_\d{4}_\d\d_\d\d_\d\d_\d{4,}\.log$/.test(name.slice(stem.length)),
    )
    .sort()
    .map((name) => ({ name, size: sizeOf(join(folder, name)) }));
}

/** The name after one whose number is taken because older files were removed within the hour. */
function successor(name: string): string {
  return name.replace(
    /(\d+)\.log$/,
    (_match, number: string) => `${String(Number(number) + 1).padStart(4, '0')}.log`,
  );
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
