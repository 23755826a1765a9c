import { posix } from 'node:path';
import { MooringError } from '../errors.js';
import { expand, type Instruction } from './dockerfile.js';

/** A COPY for one platform, all variables replaced. */
export interface CopyStep {
  readonly line: number;
  readonly sources: readonly string[];
  /** As the Dockerfile has it: with a slash at its end it is a folder. */
  readonly given: string;
  /** From the image's root, without a slash at either end; empty for the root itself. */
  readonly target: string;
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
}

/** What a Dockerfile comes to for one platform. */
export interface PlatformPlan {
  /** Such as `linux/arm64`. */
  readonly platform: string;
  readonly os: string;
  readonly architecture: string;
  readonly copies: readonly CopyStep[];
  /** The `config` of the image configuration (OCI image specification, config.md). */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Works out what a Dockerfile says for a platform.
 *
 * @param file named in messages
 * @throws MooringError `DockerfileInvalid`
 */
export function planPlatform(
  instructions: readonly Instruction[],
  platform: string,
  file: string,
): PlatformPlan {
  const [os = '', architecture = ''] = platform.split('/');
  const automatic: ReadonlyMap<string, string> = new Map([
    ['TARGETPLATFORM', platform],
    ['TARGETOS', os],
    ['TARGETARCH', architecture],
    ['TARGETVARIANT', ''],
  ]);
  const args = new Map<string, string>();
  const env = new Map<string, string>();
  const labels = new Map<string, string>();
  const ports = new Set<string>();
  const copies: CopyStep[] = [];
  let user = '';
  let workdir = '';
  let entrypoint: readonly string[] | undefined;
  let command: readonly string[] | undefined;

  for (const instruction of instructions) {
    // A variable of ENV wins over an ARG of the same name (Dockerfile reference, "ARG").
    const known = new Map([...args, ...env]);
    const expanded = (text: string) => expand(text, known);
    switch (instruction.keyword) {
      case 'ARG':
        args.set(instruction.name, automatic.get(instruction.name) ?? expanded(instruction.value ?? ''));
        break;
      case 'ENV':
        for (const [name, value] of instruction.values) env.set(name, expanded(value));
        break;
      case 'LABEL':
        for (const [name, value] of instruction.values) labels.set(name, expanded(value));
        break;
      case 'EXPOSE':
        for (const port of instruction.ports) ports.add(port);
        break;
      case 'USER':
        user = expanded(instruction.value);
        break;
      case 'WORKDIR':
        workdir = posix.resolve('/', workdir, expanded(instruction.value));
        break;
      case 'ENTRYPOINT':
        entrypoint = instruction.command;
        break;
      case 'CMD':
        command = instruction.command;
        break;
      case 'COPY': {
        const { line, chmod, chown } = instruction;
        const where = `${file}, line ${line}`;
        const given = expanded(instruction.target);
        copies.push({
          line,
          sources: instruction.sources.map(expanded),
          given,
          target: posix.resolve('/', workdir, given).slice(1),
          mode: chmod === undefined ? undefined : modeOf(expanded(chmod), where),
          ...(chown === undefined ? { uid: 0, gid: 0 } : ownerOf(expanded(chown), where)),
        });
      }
    }
  }
  return {
    platform,
    os,
    architecture,
    copies,
    config: {
      ...(user && { User: user }),
      ...(ports.size > 0 && { ExposedPorts: Object.fromEntries([...ports].map((port) => [port, {}])) }),
      ...(env.size > 0 && { Env: [...env].map(([name, value]) => `${name}=${value}`) }),
      ...(entrypoint && { Entrypoint: entrypoint }),
      ...(command && { Cmd: command }),
      ...(workdir && { WorkingDir: workdir }),
      ...(labels.size > 0 && { Labels: Object.fromEntries(labels) }),
    },
  };
}

function modeOf(text: string, where: string): number {
  if (/^0?[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  throw new MooringError(
    'DockerfileInvalid',
    `${where}: --chmod takes an octal mode such as 755, not ${text}`,
  );
}

function ownerOf(text: string, where: string): { readonly uid: number; readonly gid: number } {
  const match = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text);
  if (!match) {
    throw new MooringError(
      'DockerfileInvalid',
      `${where}: --chown takes numbers such as 1000:1000, not ${text}`,
    );
  }
  return { uid: Number(match[1]), gid: Number(match[2] ?? match[1]) };
}
