import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ComponentError, errnoOf, reasonOf } from './errors.js';

/**
 * A tool of libgpiod 2 that holds a GPIO line through the character device as long as it runs.
 *
 * Why a child process: no Node.js library for the character device comes with prebuilt binaries (`onoff`
 * and `rpi-gpio` use the sysfs interface, which kernels since 4.8 deprecate and newer ones leave out;
 * `node-libgpiod` compiles against libgpiod 1 on the device), and these tools are the kernel interface's
 * own, packaged by every distribution.
 */
export interface GpioTool {
  /** Resolves with the reason when the tool ends without having been stopped. */
  readonly failed: Promise<ComponentError>;
  stop(): Promise<void>;
}

/**
 * Starts a tool and waits for its first output, which `gpioset` and `gpiomon` give with `--banner` once they
 * hold the line.
 *
 * @param onLine called with each line of output
 * @throws ComponentError `HARDWARE` with the tool's own words, or with what to install
 */
export async function startGpioTool(
  tool: 'gpioset' | 'gpiomon',
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void = () => {},
): Promise<GpioTool> {
  const child = spawn(tool, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  let stopped = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-500);
  });
  const ended = endOf(child).then(
    ({ code, signal }) => {
      const said = words.trim();
      const advice = /option/.test(said) ? `; ${NEEDED}` : '';
      return `${tool} ended with ${signal ?? `code ${code}`}${said ? `: ${said}` : ''}${advice}`;
    },
    (error: unknown) =>
      errnoOf(error) === 'ENOENT'
        ? `${tool} is not installed; ${NEEDED}`
        : `${tool} does not start: ${reasonOf(error)}`,
  );
  const failed = new Promise<ComponentError>((resolve) => {
    void ended.then((reason) => {
      if (!stopped) resolve(new ComponentError('HARDWARE', reason));
    });
  });
  const ready = once(child.stdout, 'data');
  createInterface({ input: child.stdout }).on('line', onLine);
  const refusal = await Promise.race([ready.then(() => undefined), failed]);
  if (refusal) throw refusal;
  return {
    failed,
    stop: async () => {
      stopped = true;
      child.kill();
      await ended;
    },
  };
}

const NEEDED = 'install the tools of libgpiod 2 (Debian 13 or later: the package gpiod)';

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}
