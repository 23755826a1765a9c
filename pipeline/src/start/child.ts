import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MooringError } from '../errors.js';

/** One line that a program prints with `--json`. */
export type ProgramEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface ChildOptions {
  /** What people call it: `local cloud`, `device 1000000000000001`. */
  name: string;
  script: string;
  arguments: readonly string[];
  /** Gets what it writes to standard error. */
  logFile: string;
  env?: Readonly<Record<string, string>>;
}

/**
 * A program of ours that runs beside this one, tells what it does as JSON lines, and ends when this process
 * ends, however that happens: its standard input then ends too.
 */
export class Child {
  readonly name: string;
  readonly logFile: string;
  /** How it ended; never rejects. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #process: ChildProcess;
  readonly #events: ProgramEvent[] = [];
  readonly #listeners = new Set<(event: ProgramEvent) => void>();
  #running = true;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, 'a');
    this.#process = spawn(process.execPath, [options.script, ...options.arguments], {
      stdio: ['pipe', 'pipe', log],
      // A group of its own: Ctrl-C is for this process, which stops the others in their order.
      detached: true,
      env: { ...process.env, ...options.env },
    });
    closeSync(log);
    this.#process.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.#process.once('error', () => resolve({ code: 1, signal: null }));
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
    });
    void this.ended.then(() => {
      this.#running = false;
    });
    if (this.#process.stdout) {
      createInterface({ input: this.#process.stdout }).on('line', (line) => this.#take(line));
    }
  }

  get running(): boolean {
    return this.#running;
  }

  /** Calls `listener` for every event from now on. */
  onEvent(listener: (event: ProgramEvent) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Waits for an event, also one that came before.
   *
   * @param timeout seconds.
   * @throws MooringError when the program ends before, or the time is over.
   */
  async waitFor(
    accept: (event: ProgramEvent) => boolean,
    what: string,
    timeout: number,
  ): Promise<ProgramEvent> {
    const earlier = this.#events.find(accept);
    if (earlier) return earlier;
    let listener: ((event: ProgramEvent) => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ProgramEvent>((resolve, reject) => {
        listener = (event) => {
          if (accept(event)) resolve(event);
        };
        this.#listeners.add(listener);
        timer = setTimeout(
          () => reject(this.#failure(`did not get to "${what}" within ${timeout} s`)),
          timeout * 1000,
        );
        void this.ended.then(({ code, signal }) =>
          reject(this.#failure(`ended (${signal ?? `exit code ${code}`}) before "${what}"`)),
        );
      });
    } finally {
      clearTimeout(timer);
      if (listener) this.#listeners.delete(listener);
    }
  }

  /** Asks it to end, and after `grace` seconds ends it; resolves when it has ended. */
  async stop(grace = 10): Promise<void> {
    if (!this.#running) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), grace * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it at once, whatever it is at; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#running) this.#process.kill('SIGKILL');
    await this.ended;
  }

  #take(line: string): void {
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch {
      return;
    }
    if (typeof event !== 'object' || event === null || !('event' in event)) return;
    this.#events.push(event as ProgramEvent);
    for (const listener of [...this.#listeners]) listener(event as ProgramEvent);
  }

  #failure(what: string): MooringError {
    const reason = lastLine(this.logFile);
    return new MooringError(
      'ChildFailed',
      `The ${this.name} ${what}${reason === undefined ? '' : `: ${reason}`} (log: ${this.logFile})`,
    );
  }
}

/** The last sentence that a program wrote to its log: mostly why it ended. What follows a crash is no sentence. */
function lastLine(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .findLast((line) => !/^(\s|\}|Node\.js v|$)/.test(line));
  } catch {
    return undefined;
  }
}
