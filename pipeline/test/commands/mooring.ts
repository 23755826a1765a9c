import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../bin/mooring.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export async function mooring(...args: string[]): Promise<Finished> {
  return new Mooring(args).finished;
}

/** The environment in which the command works on the cloud at an address. */
export function cloudAt(endpointUrl: string): Record<string, string> {
  return { AWS_ENDPOINT_URL: endpointUrl, AWS_REGION: 'eu-central-1' };
}

/** The command as a process of its own, as a person starts it. */
export class Mooring {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  #progress = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.process = spawn(process.execPath, [SCRIPT, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let stdout = '';
    let stderr = '';
    this.process.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    this.process.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
      this.#progress = stderr;
      for (const wake of this.#waiting) wake();
    });
    if (this.process.stdout) {
      createInterface({ input: this.process.stdout }).on('line', (line) => {
        this.#lines.push(line);
        for (const wake of this.#waiting) wake();
      });
    }
    this.finished = new Promise((resolve) => {
      this.process.once('close', (code) => {
        resolve({ code, stdout, stderr });
        for (const wake of this.#waiting) wake();
      });
    });
  }

  /** The first line of output, parsed; fails when the process ends without one. */
  async firstJson<T>(): Promise<T> {
    await this.#until(() => this.#lines.length > 0);
    return JSON.parse(this.#lines[0] ?? '') as T;
  }

  /** Waits until `text` is in its progress; fails when the process ends without it. */
  says(text: string): Promise<void> {
    return this.#until(() => this.#progress.includes(text));
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        const { code, stderr } = await this.finished;
        if (isSo()) return;
        throw new Error(`mooring ended with ${code}: ${stderr}`);
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }
}

/** Command lines of the processes on this machine that name `text`, this one's not. */
export function processesNaming(text: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}
