import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LocalCloud } from '../../src/local-cloud.js';
import { atEnd } from './at-end.js';

const command = fileURLToPath(new URL('../../bin/local-cloud.js', import.meta.url));

/** A local cloud in a process of its own. */
export type CommandCloud = Omit<LocalCloud, 'close'> & {
  /** Sends the process a signal; resolves with its exit code, or undefined when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | undefined>;
  /** Sends it a signal that does not end it. */
  signal(signal: NodeJS.Signals): void;
  /** What it has written to standard error. */
  errors(): string;
};

/** Runs the command with these words until it ends; for those that it refuses. */
export async function runCommand(...words: string[]): Promise<{ code: number | null; errors: string }> {
  const child = spawn(process.execPath, [command, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  atEnd(() => child.kill('SIGKILL'));
  const parts: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => parts.push(text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, errors: parts.join('') };
}

/**
 * Runs the command as users do, on free ports; it is killed when the test ends.
 *
 * @param preload a module that the process loads first.
 */
export async function startCommand(stateDirectory: string, preload?: string): Promise<CommandCloud> {
  const ports = ['--http-port', '0', '--mqtt-port', '0', '--https-port', '0'];
  const child = spawn(
    process.execPath,
    [
      ...(preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]),
      ...[command, '--state-directory', stateDirectory, '--json', '--exit-with-parent', ...ports],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const exited = once(child, 'close') as Promise<[number | null]>;
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code] = await exited;
    return code ?? undefined;
  };
  atEnd(() => end('SIGKILL'));
  const parts: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => parts.push(text));
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    exited.then(() => {
      throw new Error(`local-cloud did not start; is it built (npm run build)? ${parts.join('')}`);
    }),
  ]);
  const ready = JSON.parse(line) as Omit<LocalCloud, 'close'>;
  return { ...ready, end, signal: (signal) => void child.kill(signal), errors: () => parts.join('') };
}
