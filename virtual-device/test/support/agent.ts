import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';
import { readProcess } from '../../src/component/process-table.js';
import { run as runCommand } from '../../src/main.js';
import type { PreparedDevice } from './fixtures.js';

const COMMAND = fileURLToPath(new URL('../../bin/virtual-device.js', import.meta.url));

export interface AgentEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** The real command in a process of its own; killed when the test ends. */
export class Agent {
  readonly events: AgentEvent[] = [];
  stderr = '';
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  #heard = () => {};

  constructor(args: readonly string[], environment: NodeJS.ProcessEnv = {}, script = COMMAND) {
    this.child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.exited = once(this.child, 'close').then(([code]: (number | null)[]) => code ?? null);
    void this.exited.then(() => this.#heard());
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        this.events.push(JSON.parse(line) as AgentEvent);
        this.#heard();
      });
    }
    onTestFinished(async () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return;
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
      await this.exited;
      clearTimeout(timer);
    });
  }

  /** Resolves with the first event, past or future, from `from` on that fits. */
  async event(fits: (event: AgentEvent) => boolean, from = 0): Promise<AgentEvent> {
    for (;;) {
      const found = this.events.slice(from).find(fits);
      if (found) return found;
      if (this.child.exitCode !== null)
        throw new Error(`the agent ended (${this.child.exitCode}): ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  component(component: string, state: string, from = 0): Promise<AgentEvent> {
    return this.event(
      (event) => event.event === 'component' && event.component === component && event.state === state,
      from,
    );
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command to its end in this process, which spares a start of Node.js; not for `run`, which listens to
 * the process's signals and standard input.
 */
export async function command(...args: string[]): Promise<CommandResult> {
  const said = { stdout: '', stderr: '' };
  const before = process.exitCode;
  process.exitCode = undefined;
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += chunk;
      return true;
    }),
  );
  try {
    await runCommand([process.execPath, COMMAND, ...args]);
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = before;
  }
}

/** Runs the command to its end in a process of its own; one that hangs is killed. */
export function commandProcess(...args: string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const limits = { timeout: 50_000, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [COMMAND, ...args], limits, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** The command running a prepared device. */
export function run(device: PreparedDevice, ...more: string[]): Agent {
  return new Agent(['run', '--root', device.root, '--init-config', device.configFile, '--json', ...more]);
}

/** A local deployment by the command, waited for. */
export function deploy(
  device: PreparedDevice,
  folders: { recipeDir: string; artifactDir: string },
  ...more: string[]
) {
  const { recipeDir, artifactDir } = folders;
  return command(
    ...['deployment', 'create', '--root', device.root, '--wait', '--json'],
    ...['--recipeDir', recipeDir, '--artifactDir', artifactDir, ...more],
  );
}

export const log = (device: PreparedDevice, name: string) =>
  readFileSync(join(device.root, 'logs', `${name}.log`), 'utf8');

/** Every process that was started for a device, wherever it went since. */
export function processesOf(device: PreparedDevice): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readProcess(pid) &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GG_ROOT_PATH=${device.root}\0`)
        );
      } catch {
        return false;
      }
    });
}

/** Resolves when none of a device's processes is left. */
export async function gone(device: PreparedDevice): Promise<void> {
  while (processesOf(device).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
