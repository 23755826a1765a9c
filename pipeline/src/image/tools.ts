import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';

/** Programs that make a disk of a root file system. */
const DISK = ['cpio', 'depmod', 'mcopy', 'mke2fs', 'mkfs.fat', 'sfdisk', 'xz', 'zstd'] as const;
/** Programs that make the root file system, beside those. */
const ROOTFS = ['mmdebstrap', 'qemu-aarch64-static', 'update-binfmts'] as const;

const PATH = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].join(delimiter);

/** Those of the programs that are not on the PATH or beside it. */
export function missingPrograms(withRootfs: boolean): string[] {
  return [...DISK, ...(withRootfs ? ROOTFS : [])].filter((name) => !isThere(name));
}

export function isThere(program: string): boolean {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Installs the programs from Debian's or Ubuntu's packages. */
export async function installPrograms(signal?: AbortSignal): Promise<void> {
  await run([join(repositoryRoot, 'scripts', 'install-debian-packages'), 'image'], () => undefined, signal);
}

/** A command as root: as it is for root, with `sudo` for others, who are not asked for a password. */
export function asRoot(command: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? command : ['sudo', '--non-interactive', ...command];
}

/**
 * Runs a program to its end.
 *
 * @param onLine gets each line of its standard output.
 * @throws MooringError `ToolFailed` with the end of what it said on standard error.
 */
export async function run(
  [program = '', ...args]: readonly string[],
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH },
    ...(signal && { signal }),
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-2000);
  });
  const problem = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killed) => resolve(code === 0 ? undefined : (killed ?? `exit code ${code}`)));
  });
  if (problem === undefined) return;
  const tail = said.trim().split('\n').slice(-8).join('\n');
  throw new MooringError('ToolFailed', `${program} failed (${problem})${tail ? `:\n${tail}` : ''}`);
}
