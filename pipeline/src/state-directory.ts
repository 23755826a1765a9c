import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { MooringError } from './errors.js';
import { repositoryRoot } from './repository.js';

/** What a running `mooring start` tells the other commands. */
const Running = z.object({
  pid: z.number(),
  endpointUrl: z.string(),
  region: z.string(),
  mqttPort: z.number(),
  httpsPort: z.number(),
});
export type Running = z.infer<typeof Running>;

/** The directory that keeps the local target's state between starts. */
export class StateDirectory {
  readonly path: string;

  /** @param path default: `MOORING_STATE_DIRECTORY`, else `.mooring` in the repository. */
  constructor(path?: string) {
    this.path = resolve(path ?? defaultPath());
  }

  /** What another command must be given to work on this directory too: nothing for the default one. */
  get option(): string {
    return this.path === resolve(defaultPath()) ? '' : ` --state-directory ${this.path}`;
  }

  get localCloud(): string {
    return join(this.path, 'local-cloud');
  }

  get components(): string {
    return join(this.path, 'components');
  }

  /** What the components were built to, on a base: one does not push the other out. */
  built(base: string): string {
    return join(this.components, base);
  }

  /** Container images that the virtual devices have in common, as devices of one engine would. */
  get images(): string {
    return join(this.path, 'images');
  }

  get logs(): string {
    return join(this.path, 'logs');
  }

  /** The root of a virtual device, as `/greengrass/v2` is on a real one. */
  device(thing: string): string {
    return join(this.path, 'devices', thing);
  }

  /** Makes the directory. @throws MooringError when it cannot be written. */
  prepare(): void {
    try {
      makeDirectory(this.logs);
      writeFileSync(join(this.path, '.gitignore'), '*\n');
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new MooringError(
        'StateDirectoryNotWritable',
        `The state directory ${this.path} cannot be written (${reason}): name another one with --state-directory, or change its permissions`,
      );
    }
  }

  /** What runs on this directory now, if anything. */
  running(): Running | undefined {
    try {
      const running = this.#recorded();
      process.kill(running.pid, 0);
      return running;
    } catch {
      // Not there, half written, of another version, or of a process that is gone: nothing runs.
      return undefined;
    }
  }

  /** Records what runs now, until {@link clearRunning}. */
  setRunning(running: Running): void {
    writeFileSync(this.#runningFile, `${JSON.stringify(running)}\n`);
  }

  /** Ends the record of a process; that of another one, which was here first, stays. */
  clearRunning(pid: number): void {
    try {
      if (this.#recorded().pid !== pid) return;
    } catch {
      return;
    }
    rmSync(this.#runningFile, { force: true });
  }

  /**
   * Removes the directory and all in it; returns whether there was one.
   *
   * @throws MooringError when something runs on it, or when it is no state directory.
   */
  remove(): boolean {
    if (!existsSync(this.path)) return false;
    const running = this.running();
    if (running) {
      throw new MooringError(
        'Running',
        `The state directory ${this.path} is in use by process ${running.pid}: stop that \`mooring start\` first`,
      );
    }
    if (!existsSync(this.logs)) {
      throw new MooringError(
        'NotAStateDirectory',
        `${this.path} does not look like a state directory of mooring (it has no logs/ in it), so nothing was removed`,
      );
    }
    rmSync(this.path, { recursive: true, force: true });
    return true;
  }

  /** @throws when there is no record, or one that cannot be read. */
  #recorded(): Running {
    return Running.parse(JSON.parse(readFileSync(this.#runningFile, 'utf8')));
  }

  get #runningFile(): string {
    return join(this.path, 'running.json');
  }
}

function defaultPath(): string {
  return process.env.MOORING_STATE_DIRECTORY ?? join(repositoryRoot, '.mooring');
}

/**
 * Makes a directory and those above it. Node's own recursive `mkdir` never returns where the kernel makes no
 * directories, as below `/proc`.
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path);
  }
}
