import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, createWriteStream, existsSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MooringError } from '@mooring/pipeline';

/** Debian's UEFI firmware for QEMU (qemu-efi-aarch64): code, and the store of its variables. */
const FIRMWARE = { code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' };

export interface BoardOptions {
  /** What its SMBIOS says. */
  readonly serial: string;
  /** Raw disk, written to as a board's medium is. */
  readonly disk: string;
  /** Folder for its variables and the log of its console. */
  readonly folder: string;
  readonly name: string;
}

/**
 * A board that QEMU plays: `virt` with UEFI firmware, a disk and a network card by virtio, and QEMU's user network, in
 * which the machine outside is 10.0.2.2.
 */
export class Board {
  readonly consoleLog: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #log: WriteStream;
  readonly #waiting = new Set<() => void>();
  readonly #begin = performance.now();
  readonly #ended: Promise<void>;
  #hasEnded = false;

  constructor({ serial, disk, folder, name }: BoardOptions) {
    if (!existsSync(FIRMWARE.code)) {
      throw new MooringError(
        'NoFirmware',
        `There is no ${FIRMWARE.code}: run scripts/install-debian-packages image`,
      );
    }
    const variables = join(folder, `${name}.vars.fd`);
    copyFileSync(FIRMWARE.variables, variables);
    this.consoleLog = join(folder, `${name}.console.log`);
    this.#log = createWriteStream(this.consoleLog);
    this.#child = spawn(
      'qemu-system-aarch64',
      [
        ...['-machine', 'virt', '-cpu', 'cortex-a72', '-smp', '2', '-m', '2048'],
        ...['-drive', `if=pflash,format=raw,readonly=on,file=${FIRMWARE.code}`],
        ...['-drive', `if=pflash,format=raw,file=${variables}`],
        ...['-drive', `if=virtio,format=raw,cache=unsafe,file=${disk}`],
        ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
        ...['-device', 'virtio-rng-pci', '-smbios', `type=1,serial=${serial}`],
        ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#ended = new Promise((resolve) => {
      const end = () => {
        this.#hasEnded = true;
        resolve();
        this.#wake();
      };
      this.#child.once('error', end);
      this.#child.once('exit', end);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
  }

  /** Seconds since it was switched on. */
  get seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }

  /** What its console has said so far. */
  get console(): string {
    return this.#lines.join('\n');
  }

  /**
   * Waits for a line on its console.
   *
   * @returns seconds since it was switched on.
   * @throws MooringError `NotOnConsole` with the console's last lines.
   */
  async waitFor(pattern: RegExp, timeoutSeconds: number): Promise<number> {
    const end = performance.now() + timeoutSeconds * 1000;
    for (;;) {
      if (this.#lines.some((line) => pattern.test(line))) return this.seconds;
      const left = end - performance.now();
      if (this.#hasEnded || left <= 0) {
        throw new MooringError(
          'NotOnConsole',
          `${pattern} was not on the console ${this.#hasEnded ? 'before the board ended' : `within ${timeoutSeconds} s`}. Its last lines:\n${this.#lines.slice(-25).join('\n')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, left);
        const waiting = this.#waiting;
        function wake() {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  /** Cuts its power. */
  async cutPower(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
    await this.#ended;
    this.#log.end();
  }

  #take(line: string): void {
    // Without the control sequences of firmware and boot loader.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
    const text = line.replace(/\u001b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9])|[\u0000-\u0008\u000b-\u001f]/g, '');
    this.#lines.push(text);
    this.#log.write(`${this.seconds.toFixed(1).padStart(6)}  ${text}\n`);
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
