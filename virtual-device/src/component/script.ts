import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Clock, pause } from '../clock.js';
import type { ProcessGroups } from './process-groups.js';
import { groupIsAlive, signalGroup } from './process-table.js';

export interface ScriptOptions {
  readonly component: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly groups: ProcessGroups;
  readonly clock: Clock;
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
}

export interface ScriptExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A lifecycle script under way, in a process group of its own. */
export interface RunningScript {
  /** Resolves when the shell has ended and all it printed is handed on; never rejects. */
  readonly exited: Promise<ScriptExit>;
  /** Whether the shell has ended; what it left in the background may go on. */
  readonly hasExited: boolean;
  /** Ends the whole group: SIGTERM, and SIGKILL for what is left after `grace` milliseconds. */
  end(grace: number): Promise<void>;
}

const POLL = 20;
const LAST_WORDS = 200;
/** Longest piece of output without a line end that is logged as one line, in characters. */
const MAX_LINE = 16_384;

/** Starts a script's command. @throws when its process cannot be recorded, as on a full disk */
export function startScript(options: ScriptOptions): RunningScript {
  const { clock, groups } = options;
  const [program = '', ...args] = options.command;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const group = child.pid;
  if (group !== undefined) {
    try {
      groups.add(group, options.component);
    } catch (error) {
      // What could not be found again after a crash must not run.
      signalGroup(group, 'SIGKILL');
      groups.delete(group);
      child.once('error', () => {});
      throw error;
    }
  }
  forEachLine(child.stdout, (line) => options.onLine('stdout', line));
  forEachLine(child.stderr, (line) => options.onLine('stderr', line));
  let hasExited = false;
  let groupEnded = group === undefined;
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exited = new Promise<ScriptExit>((resolve) => {
    child.once('error', (error) => {
      // It could not be started at all: the working folder is gone, or there are too many processes.
      options.onLine('stderr', `The script could not be started: ${error.message}`);
      hasExited = true;
      resolve({ code: 127, signal: null });
    });
    child.once('exit', (code, signal) => {
      hasExited = true;
      // Background processes may hold the pipes open; what is there is read, and nobody waits for more.
      setImmediate(() => resolve({ code, signal }));
      if (group === undefined || groupIsAlive(group)) return;
      groupEnded = true;
      groups.delete(group);
    });
  });
  return {
    exited,
    get hasExited() {
      return hasExited;
    },
    async end(grace) {
      if (group === undefined || groupEnded) return;
      signalGroup(group, 'SIGTERM');
      const deadline = clock.now() + grace;
      while (groupIsAlive(group) && clock.now() < deadline) await pause(clock, POLL);
      signalGroup(group, 'SIGKILL');
      if (!hasExited) await exited;
      groupEnded = true;
      // Its last words; a process that left the group may hold the pipes open, so not for long.
      await Promise.race([closed, pause(clock, LAST_WORDS)]);
      child.stdout.destroy();
      child.stderr.destroy();
      groups.delete(group);
    },
  };
}

function forEachLine(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    rest += decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    while (rest.length > MAX_LINE) {
      onLine(rest.slice(0, MAX_LINE));
      rest = rest.slice(MAX_LINE);
    }
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    if (rest) onLine(rest);
    rest = '';
  });
}
