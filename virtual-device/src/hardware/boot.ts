import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileDurably } from '../durable-file.js';
import { makeFolder } from '../folder.js';
import type { Layout } from '../layout.js';

/** As Linux has it in `/proc/sys/kernel/random/boot_id`. */
const BOOT_ID = ['sys', 'kernel', 'random', 'boot_id'];

/**
 * The device's current boot: an agent that starts again goes on in it, a restart of the device (or of the
 * machine it runs on) begins a new one.
 */
export class Boot {
  readonly #file: string;
  readonly #record: string;

  constructor(layout: Layout) {
    this.#file = join(layout.procfs, ...BOOT_ID);
    this.#record = join(layout.run, 'machine_boot_id');
  }

  /** @returns the id of this boot, a UUID */
  begin(): string {
    const machine = readFileSync(join('/proc', ...BOOT_ID), 'utf8').trim();
    const isSame = existsSync(this.#record) && readFileSync(this.#record, 'utf8') === machine;
    if (!isSame || !existsSync(this.#file)) {
      makeFolder(dirname(this.#file));
      writeFileDurably(this.#file, `${randomUUID()}\n`);
      writeFileDurably(this.#record, machine);
    }
    return readFileSync(this.#file, 'utf8').trim();
  }

  /** Ends this boot: the next start is a new one. */
  end(): void {
    rmSync(this.#file, { force: true });
  }
}
