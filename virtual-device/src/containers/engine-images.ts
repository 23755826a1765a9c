import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../durable-file.js';
import { DeviceError, messageOf } from '../errors.js';
import { makeFolder } from '../folder.js';
import type { Log } from '../log/device-log.js';
import type { ContainerImages } from './images.js';
import { isLoopback, parseReference } from './reference.js';
import type { RegistryLogin } from './registry-client.js';

export interface EngineOptions {
  readonly engine: 'docker' | 'podman';
  /** Of the device, for the engine's sign-ins and for the list of images that it pulled. */
  readonly configFolder: string;
  readonly login: (registry: string, signal: AbortSignal) => Promise<RegistryLogin | undefined>;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly log: Log;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const Pulled = z.array(z.string());

/** Images in the store of a container engine, through its own command. */
export class EngineImages implements ContainerImages {
  readonly engine: 'docker' | 'podman';

  constructor(private readonly options: EngineOptions) {
    this.engine = options.engine;
  }

  async pull(text: string, signal: AbortSignal): Promise<void> {
    const reference = parseReference(text);
    const { registry } = reference;
    const login = await this.options.login(registry, signal);
    const insecure = this.engine === 'podman' && isLoopback(registry) ? ['--tls-verify=false'] : [];
    if (login) {
      const args = [
        'login',
        ...insecure,
        ...this.#authFile,
        '--username',
        login.username,
        '--password-stdin',
        registry,
      ];
      const outcome = await this.#run(args, signal, login.password);
      if (outcome.code !== 0) {
        throw new DeviceError(
          'OFFLINE',
          `${this.engine} cannot sign in at ${registry}: ${lastLine(outcome)}`,
        );
      }
    }
    const outcome = await this.#run(['pull', ...insecure, ...this.#authFile, text], signal);
    if (outcome.code !== 0) {
      const words = lastLine(outcome);
      const isFinal =
        /not found|manifest unknown|no matching manifest|denied|unauthorized|invalid reference/i;
      throw new DeviceError(
        isFinal.test(words) ? 'ARTIFACT_INVALID' : 'OFFLINE',
        `${this.engine} cannot pull ${text}: ${words}`,
      );
    }
    this.#writePulled([...new Set([...this.#pulled(), text])]);
    this.options.log('info', `The image ${reference.canonical} is pulled with ${this.engine}`);
  }

  async isPresent(text: string): Promise<boolean> {
    if (parseReference(text).digest === undefined) return false;
    const outcome = await this.#run(['image', 'inspect', text], AbortSignal.timeout(30_000));
    return outcome.code === 0;
  }

  /** Only what this device has pulled is removed, and nothing that a container still uses. */
  async prune(references: readonly string[]): Promise<void> {
    const kept: string[] = [];
    for (const text of this.#pulled()) {
      if (references.includes(text)) {
        kept.push(text);
        continue;
      }
      const outcome = await this.#run(['image', 'rm', text], AbortSignal.timeout(60_000));
      if (outcome.code !== 0 && !/no such image|image not known/i.test(outcome.stderr)) kept.push(text);
    }
    this.#writePulled(kept);
  }

  /** Sign-ins are the device's own, not those of the user it runs as. */
  get #authFile(): string[] {
    return this.engine === 'podman'
      ? ['--authfile', join(this.options.configFolder, 'podman-auth.json')]
      : [];
  }

  #run(args: readonly string[], signal: AbortSignal, input = ''): Promise<Outcome> {
    const folder = join(this.options.configFolder, 'docker');
    if (this.engine === 'docker') makeFolder(folder);
    const global = this.engine === 'docker' ? ['--config', folder] : [];
    return runProgram(this.engine, [...global, ...args], {
      environment: this.options.environment,
      signal,
      input,
    });
  }

  get #record(): string {
    return join(this.options.configFolder, 'pulled-images.json');
  }

  #pulled(): string[] {
    try {
      return Pulled.parse(JSON.parse(readFileSync(this.#record, 'utf8')));
    } catch {
      return [];
    }
  }

  #writePulled(names: readonly string[]): void {
    writeFileDurably(this.#record, JSON.stringify(names));
  }
}

/** Milliseconds within which an engine must answer to be used. */
const ENGINE_TIMEOUT = 5_000;

/** The engine that answers on this machine, Docker before Podman; undefined when none does. */
export async function detectEngine(
  environment: Readonly<NodeJS.ProcessEnv>,
): Promise<'docker' | 'podman' | undefined> {
  const [docker, podman] = await Promise.all([
    answers('docker', ['version', '--format', '{{.Server.Version}}'], environment),
    answers('podman', ['info', '--format', '{{.Host.Arch}}'], environment),
  ]);
  if (docker) return 'docker';
  return podman ? 'podman' : undefined;
}

async function answers(
  program: string,
  args: readonly string[],
  environment: Readonly<NodeJS.ProcessEnv>,
): Promise<boolean> {
  try {
    const options = { environment, signal: AbortSignal.timeout(ENGINE_TIMEOUT), input: '' };
    const { code, stdout } = await runProgram(program, args, options);
    return code === 0 && stdout.trim() !== '';
  } catch {
    return false;
  }
}

const MAX_OUTPUT = 65_536;

/** Runs a program to its end. @throws DeviceError OFFLINE when it cannot be started, or the signal's reason */
function runProgram(
  program: string,
  args: readonly string[],
  options: { environment: Readonly<NodeJS.ProcessEnv>; signal: AbortSignal; input: string },
): Promise<Outcome> {
  const { environment, signal, input } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8');
      child[name].on('data', (chunk: string) => {
        said[name] = (said[name] + chunk).slice(-MAX_OUTPUT);
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const abort = () => {
      // Nothing of it is waited for: a hanging client may not even die of this.
      child.kill('SIGKILL');
      child.unref();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    child.once('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(new DeviceError('OFFLINE', `${program} cannot be started: ${messageOf(error)}.`));
    });
    child.once('close', (code) => {
      signal.removeEventListener('abort', abort);
      resolve({ code: code ?? 1, ...said });
    });
  });
}

function lastLine({ stdout, stderr }: Outcome): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? 'it says nothing';
}
