import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readProcess } from '../component/process-table.js';
import { errnoOf } from '../errors.js';
import { type ContainerTable, isRunning } from './container-table.js';
import type { ImageRecord, ImageStore } from './image-store.js';
import { linkTree } from './link-tree.js';
import { describePlatform, machinePlatform } from './manifest.js';
import { resolveInRoot } from './paths-in-root.js';
import { DockerUsageError, type Mount, parseRunArguments, type RunRequest } from './run-arguments.js';
import { type Binding, planRun, type RunPlan, UnstartableCommand } from './run-plan.js';

export interface DockerRunOptions {
  readonly store: ImageStore;
  readonly table: ContainerTable;
  /** Folder of named volumes. */
  readonly volumes: string;
  /** The image of a name, fetched when need be. @throws when there is none */
  readonly imageOf: (name: string, pull: RunRequest['pull']) => Promise<ImageRecord>;
  /** The shell that will become the container's process. */
  readonly shellPid: number;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** Carried over into containers: it tells a device's processes from all others. */
const MARK = 'GG_ROOT_PATH';

/**
 * `docker run`, with a plain process for a container.
 *
 * @returns the script that the calling shell runs to become the process; `''` for a detached container
 * @throws DockerUsageError, UnstartableCommand
 */
export async function dockerRun(args: readonly string[], options: DockerRunOptions): Promise<string> {
  const { table, store, environment, say, warn } = options;
  const request = parseRunArguments(args);
  for (const note of request.notes) warn(note);
  requirePlatform(request.platform);
  const image = await options.imageOf(request.image, request.pull);
  const id = randomBytes(32).toString('hex');
  const name = request.name ?? `process_${id.slice(0, 8)}`;
  requireFreeName(table, name);
  if (request.cidFile !== undefined) writeFileSync(request.cidFile, id, { flag: 'wx' });
  const own = join(store.containers, id);
  try {
    const rootfs = await ownFileSystem(store.rootOf(image), own);
    const isShared = rootfs !== own;
    const bindings = await bind(request.mounts, { rootfs, isShared, volumes: options.volumes, id, warn });
    const plan = await planRun({
      root: rootfs,
      config: image.config.config,
      ...commandOf(request, image),
      environment: environmentOf(request, id, environment),
      workdir: request.workdir,
      bindings,
    });
    for (const note of plan.notes) warn(note);
    if (!isShared) await mkdir(plan.cwd, { recursive: true });
    const marked = new Map([...plan.environment, [MARK, environment[MARK] ?? '']]);
    const start = { ...plan, environment: marked, argv: await asUser(request, image, rootfs, plan, warn) };
    const log = request.detach ? table.logOf(id) : undefined;
    const pid = request.detach ? detach(start, log ?? '') : options.shellPid;
    table.put({
      id,
      name,
      image: request.image,
      imageId: image.id,
      argv: [...plan.argv],
      createdAt: Date.now(),
      pid,
      startTime: readProcess(pid)?.startTime ?? 0,
      remove: request.remove,
      rootfs: own,
      ...(log !== undefined && { log }),
    });
    if (!request.detach) return scriptOf(start, request.interactive);
    say(id);
    return '';
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    throw error;
  }
}

function commandOf(request: RunRequest, image: ImageRecord) {
  const { Entrypoint, Cmd } = image.config.config;
  // A new entrypoint also drops the image's arguments, as Docker does it.
  if (request.entrypoint !== undefined) {
    return { entrypoint: request.entrypoint === '' ? [] : [request.entrypoint], command: request.command };
  }
  return {
    entrypoint: Entrypoint ?? [],
    command: request.command.length > 0 ? request.command : (Cmd ?? []),
  };
}

function environmentOf(
  request: RunRequest,
  id: string,
  own: Readonly<NodeJS.ProcessEnv>,
): Map<string, string> {
  const environment = new Map([
    ['HOSTNAME', request.hostname ?? id.slice(0, 12)],
    ['HOME', own.HOME ?? '/'],
  ]);
  const fromFiles = request.environmentFiles.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#')),
  );
  for (const entry of [...fromFiles, ...request.environment]) {
    const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(entry) ?? [];
    if (name === '') throw new DockerUsageError(`invalid environment variable: ${entry}`);
    const given = value ?? own[name];
    if (given !== undefined) environment.set(name, given);
  }
  return environment;
}

function requirePlatform(platform: string | undefined): void {
  const machine = machinePlatform();
  const wanted = platform?.split('/') ?? [machine.os, machine.architecture];
  if (wanted[0] === machine.os && wanted[1] === machine.architecture) return;
  throw new DockerUsageError(
    `platform ${platform} does not run on this machine (${describePlatform(machine)})`,
  );
}

function requireFreeName(table: ContainerTable, name: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    throw new DockerUsageError(
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  }
  const holder = table.find(name);
  if (holder?.name !== name) return;
  const state = isRunning(holder) ? 'running' : 'ended';
  throw new DockerUsageError(
    `Conflict. The container name "/${name}" is already in use by container "${holder.id}" (${state}). Remove it to be able to use that name again.`,
  );
}

/**
 * A file system of the container's own; or the image's, where the files belong to another user, who alone may
 * link to them, so that this container cannot write to them either.
 */
async function ownFileSystem(image: string, own: string): Promise<string> {
  try {
    await linkTree(image, own);
    return own;
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if (errnoOf(error) === 'EPERM') return image;
    throw error;
  }
}

/** Makes what is bound to the container, and leads there from its own file system. */
async function bind(
  mounts: readonly Mount[],
  place: {
    readonly rootfs: string;
    readonly isShared: boolean;
    readonly volumes: string;
    readonly id: string;
    readonly warn: (line: string) => void;
  },
): Promise<Binding[]> {
  const bindings: Binding[] = [];
  for (const mount of mounts) {
    const source = sourceOf(mount, place);
    if (!existsSync(source)) {
      if (!mount.makesSource) {
        throw new DockerUsageError(
          `invalid mount config for type "bind": bind source path does not exist: ${source}`,
        );
      }
      mkdirSync(source, { recursive: true });
    }
    const target = mount.target.replace(/(.)\/+$/, '$1');
    bindings.push({ source, target });
    if (source === target) continue;
    if (place.isShared) {
      place.warn(`mount ${source}:${target}: the process finds it at ${source}`);
      continue;
    }
    const link = await resolveInRoot(place.rootfs, target, false);
    if (link === place.rootfs) throw new DockerUsageError(`invalid mount target: ${target}`);
    await mkdir(dirname(link), { recursive: true });
    await rm(link, { recursive: true, force: true });
    await symlink(source, link);
    place.warn(`mount ${source}:${target}: the process finds it at ${source}, or by the link ${link}`);
  }
  return bindings;
}

function sourceOf({ source, target }: Mount, { volumes, id }: { volumes: string; id: string }): string {
  if (source === undefined) return join(volumes, `${id}${target}`);
  if (source.startsWith('/')) return source.replace(/(.)\/+$/, '$1');
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source)) return join(volumes, source);
  throw new DockerUsageError(
    `invalid volume name "${source}": use an absolute path for a folder of this machine`,
  );
}

/** The command with a change of user before it, where one is asked for and possible. */
async function asUser(
  request: RunRequest,
  image: ImageRecord,
  rootfs: string,
  plan: RunPlan,
  warn: (line: string) => void,
): Promise<readonly string[]> {
  const wanted = request.user ?? image.config.config.User;
  if (!wanted) return plan.argv;
  const [user = '', group] = wanted.split(':');
  const ids = await userOf(user, group, rootfs);
  if (process.getuid?.() === ids.uid) return plan.argv;
  if (process.getuid?.() !== 0) {
    warn(`user ${wanted}: the process runs as the user that started it, which may not become another`);
    return plan.argv;
  }
  if (!mayReach(plan.argv[0])) {
    warn(`user ${wanted}: may not reach ${plan.argv[0]}, so the process runs as root`);
    return plan.argv;
  }
  return ['setpriv', `--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups', '--', ...plan.argv];
}

async function userOf(user: string, group: string | undefined, rootfs: string) {
  const table = async (name: string) => {
    const path = await resolveInRoot(rootfs, `/etc/${name}`);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text.split('\n').map((line) => line.split(':'));
  };
  const users = await table('passwd');
  const entry = users.find(([name, , uid]) => name === user || uid === user);
  const uid = /^\d+$/.test(user) ? Number(user) : Number(entry?.[2] ?? Number.NaN);
  const named = group === undefined ? undefined : (await table('group')).find(([name]) => name === group);
  const gid = group === undefined ? Number(entry?.[3] ?? 0) : Number(named?.[2] ?? group);
  if (Number.isInteger(uid) && Number.isInteger(gid)) return { uid, gid };
  throw new DockerUsageError(
    `unable to find user ${user}${group === undefined ? '' : `:${group}`}: no matching entries`,
  );
}

/** Whether everybody may go to a file; a device's root may lie in somebody's own folder. */
function mayReach(path: string): boolean {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
  }
  return true;
}

interface Start extends Omit<RunPlan, 'argv'> {
  readonly argv: readonly string[];
}

function scriptOf({ cwd, environment, argv }: Start, interactive: boolean): string {
  const variables = [...environment].map(([name, value]) => quote(`${name}=${value}`));
  const words = ['exec', '/usr/bin/env', '-i', ...variables, ...argv.map(quote)];
  return [`cd ${quote(cwd)} || exit 126`, `${words.join(' ')}${interactive ? '' : ' </dev/null'}`].join('\n');
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Starts a process that outlives this one, in the component's own process group, so that it ends with it. */
function detach({ cwd, environment, argv }: Start, log: string): number {
  const output = openSync(log, 'a', 0o600);
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: Object.fromEntries(environment),
    stdio: ['ignore', output, output],
  });
  child.once('error', () => {});
  child.unref();
  if (child.pid === undefined) {
    rmSync(log, { force: true });
    throw new UnstartableCommand(`exec ${program}: it cannot be started`, 126);
  }
  return child.pid;
}
