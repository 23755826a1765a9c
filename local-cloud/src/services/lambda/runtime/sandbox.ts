import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type BootstrapMessage, messageReader } from './messages.js';

/** The program that runs in the process; it is the same way up from `src` as from `dist`. */
const BOOTSTRAP = fileURLToPath(new URL('../../../../lambda-runtime/bootstrap.mjs', import.meta.url));

/** What a process of a function is started with. */
export interface SandboxOptions {
  /** The function's code; its working directory. */
  readonly taskRoot: string;
  /** MB that JavaScript's heap may take. */
  readonly memorySize: number;
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** One event for the function's handler. */
export interface SandboxEvent {
  readonly requestId: string;
  readonly functionArn: string;
  /** JSON. */
  readonly event: string;
  /** Milliseconds until the handler has to be done. */
  readonly remaining: number;
  readonly clientContext?: unknown;
}

/** What comes of a process while it is at work. */
export interface SandboxListener {
  receive(message: BootstrapMessage): void;
  /** As {@link Sandbox.ended}; by then all that was written before is read. */
  ended(reason: string): void;
}

/** A process of a function: starts with the code, handles one event after another, ends when it is told to. */
export class Sandbox {
  readonly #child: ChildProcess;
  readonly #events: Writable;
  readonly #ended: Promise<string>;
  readonly #listeners = new Set<SandboxListener>();
  #isEnded = false;
  #wasKilled = false;

  constructor(options: SandboxOptions) {
    this.#child = spawn(process.execPath, [`--max-old-space-size=${options.memorySize}`, BOOTSTRAP], {
      cwd: options.taskRoot,
      env: { ...options.environment },
      // A group of its own: what the function starts ends with it, and Ctrl-C in a terminal does not reach it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    const pipes: readonly unknown[] = this.#child.stdio;
    const [, stdout, stderr, messages, events, lifeline] = pipes;
    if (!isReadable(stdout) || !isReadable(stderr) || !isReadable(messages)) throw new TypeError('no pipes');
    if (!isWritable(events) || !isWritable(lifeline)) throw new TypeError('no pipes');
    this.#events = events;
    // A process that ended early makes writes to it fail; that it ended is told by the process itself.
    for (const stream of [stdout, stderr, messages, events, lifeline]) stream.on('error', () => {});
    const emit = (message: BootstrapMessage) => {
      for (const { receive } of [...this.#listeners]) receive(message);
    };
    messageReader(messages, emit, () => this.kill());
    // Only what Node.js itself says, such as that the heap is full; what the function writes comes as messages.
    for (const stream of [stdout, stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => emit({ type: 'output', text }));
    }
    this.#ended = this.#watch();
    void this.#ended.then((reason) => {
      for (const { ended } of [...this.#listeners]) ended(reason);
    });
  }

  async #watch(): Promise<string> {
    const closed = once(this.#child, 'close');
    const how = await new Promise<string>((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(exitReason(code, signal)));
    });
    this.#killGroup();
    if (this.#child.pid !== undefined) await closed;
    this.#isEnded = true;
    return how;
  }

  get isEnded(): boolean {
    return this.#isEnded || this.#wasKilled;
  }

  /** Resolves when the process and all that it started are gone, with the reason in Lambda's words. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** Listens to what the process says, and for its end; returns a function that stops it and forgets the listener. */
  listen(listener: SandboxListener): () => void {
    this.#listeners.add(listener);
    if (this.#isEnded) {
      void this.#ended.then((reason) => {
        if (this.#listeners.has(listener)) listener.ended(reason);
      });
    }
    return () => this.#listeners.delete(listener);
  }

  send(event: SandboxEvent): void {
    this.#events.write(`${JSON.stringify(event)}\n`);
  }

  kill(): void {
    this.#wasKilled = true;
    this.#killGroup();
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing of the group is left.
    }
  }
}

function isReadable(stream: unknown): stream is Readable {
  return stream instanceof Readable;
}

function isWritable(stream: unknown): stream is Writable {
  // A socket is a Duplex, which is no instance of Writable but behaves as one.
  return stream instanceof Duplex || stream instanceof Writable;
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `Runtime exited with error: signal: ${signal === 'SIGKILL' ? 'killed' : signal}`;
  return code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`;
}
