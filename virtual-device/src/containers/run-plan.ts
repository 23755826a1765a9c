import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { isNative, programKind } from './elf.js';
import type { ImageConfig } from './manifest.js';
import { resolveInRoot } from './paths-in-root.js';

/** A path of the container that lies elsewhere on this machine. */
export interface Binding {
  readonly source: string;
  readonly target: string;
}

export interface PlanInput {
  /** The container's own file system. */
  readonly root: string;
  readonly config: ImageConfig['config'];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Over the image's own environment. */
  readonly environment: ReadonlyMap<string, string>;
  readonly workdir: string | undefined;
  readonly bindings: readonly Binding[];
}

/** A process to start in place of a container. */
export interface RunPlan {
  readonly cwd: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly argv: readonly [string, ...string[]];
  /** What the user may want to know of it. */
  readonly notes: readonly string[];
}

/** A command that cannot be started, with Docker's exit code and words. */
export class UnstartableCommand extends Error {
  override readonly name = 'UnstartableCommand';

  constructor(
    message: string,
    readonly exitCode: 126 | 127,
  ) {
    super(message);
  }
}

/** Docker's, for images that set none. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Folders that a process shares with the machine, whatever the image has there. */
const SHARED = ['/dev', '/proc', '/sys', '/tmp', '/run', '/var/run'];

/**
 * Plans how an image's command runs as a plain process: the program, and each argument and variable that is an
 * absolute path, is looked for in the image first; what the image does not have is the machine's. Folders
 * bound to the container lead to their sources.
 *
 * @throws UnstartableCommand
 */
export async function planRun(input: PlanInput): Promise<RunPlan> {
  const paths = new ContainerPaths(input.root, input.bindings);
  const notes: string[] = [];
  const environment = await environmentOf(input, paths);
  const workdir = input.workdir ?? (input.config.WorkingDir || '/');
  const cwd = await paths.place(workdir);
  const [name, ...args] = [...input.entrypoint, ...input.command];
  if (name === undefined || name === '') throw new UnstartableCommand('no command specified', 127);
  const searched = input.environment.get('PATH') ?? imagePath(input.config) ?? DEFAULT_PATH;
  const program = await findProgram(name, workdir, searched, paths);
  const places = await Promise.all(args.map((arg) => paths.ofArgument(arg)));
  const argv = await startOf(program, name, input.root, paths, notes);
  return { cwd, environment, argv: [argv[0], ...argv.slice(1), ...places], notes };
}

/** The places of a container's paths on this machine. */
class ContainerPaths {
  constructor(
    readonly root: string,
    private readonly bindings: readonly Binding[],
  ) {}

  /** Where a path lies: bound, in the image, or undefined when it is neither. */
  async find(path: string): Promise<string | undefined> {
    const clean = normalize(path).replace(/(.)\/$/, '$1');
    const bound = this.#bound(clean);
    if (bound !== undefined) return bound;
    if (clean === '/' || SHARED.some((folder) => clean === folder || clean.startsWith(`${folder}/`))) {
      return undefined;
    }
    const place = await resolveInRoot(this.root, clean);
    return (await exists(place)) ? place : undefined;
  }

  /** Where a path lies or would be made. */
  async place(path: string): Promise<string> {
    return this.#bound(normalize(path)) ?? (await resolveInRoot(this.root, path));
  }

  /** An argument: an absolute path, or one after `name=`. */
  async ofArgument(arg: string): Promise<string> {
    const [, before = '', path] = /^(-[^=/]*=)?(\/.*)$/s.exec(arg) ?? [];
    if (path === undefined) return arg;
    return `${before}${(await this.find(path)) ?? path}`;
  }

  /** A variable's value: an absolute path, or several with colons between; all of the image or none. */
  async ofVariable(value: string): Promise<string> {
    const parts = value.split(':');
    if (!parts.every((part) => part.startsWith('/'))) return value;
    const places = await Promise.all(parts.map((part) => this.find(part)));
    return places.every((place) => place !== undefined) ? places.join(':') : value;
  }

  #bound(path: string): string | undefined {
    const [best] = this.bindings
      .filter(({ target }) => path === target || path.startsWith(`${target}/`))
      .sort((a, b) => b.target.length - a.target.length);
    return best && join(best.source, path.slice(best.target.length));
  }
}

async function environmentOf(input: PlanInput, paths: ContainerPaths): Promise<Map<string, string>> {
  const wanted = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  for (const entry of input.config.Env ?? []) {
    const [, name = entry, value = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
    wanted.set(name, value);
  }
  for (const [name, value] of input.environment) wanted.set(name, value);
  const environment = new Map<string, string>();
  for (const [name, value] of wanted) {
    if (name !== 'PATH') environment.set(name, await paths.ofVariable(value));
  }
  const path = wanted.get('PATH') ?? DEFAULT_PATH;
  // The image's folders first, then the same of the machine, for what the image leaves to it.
  const own = path.split(':').map((folder) => join(input.root, folder));
  environment.set('PATH', [...own, ...path.split(':')].join(':'));
  return environment;
}

function imagePath(config: ImageConfig['config']): string | undefined {
  return config.Env?.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
}

interface Program {
  readonly place: string;
  /** As the container would call it. */
  readonly path: string;
}

async function findProgram(
  name: string,
  workdir: string,
  searched: string,
  paths: ContainerPaths,
): Promise<Program> {
  const candidates = name.includes('/')
    ? [isAbsolute(name) ? name : join(workdir, name)]
    : searched.split(':').map((folder) => join(folder || workdir, name));
  let isForbidden = false;
  for (const path of candidates) {
    const place = await paths.find(path);
    if (place === undefined || !(await stat(place)).isFile()) continue;
    if (await isExecutable(place)) return { place, path };
    isForbidden = true;
  }
  if (isForbidden) throw new UnstartableCommand(`exec: "${name}": permission denied`, 126);
  throw new UnstartableCommand(
    name.includes('/')
      ? `exec: "${name}": stat ${name}: no such file or directory`
      : `exec: "${name}": executable file not found in $PATH`,
    127,
  );
}

/** The words that start a program: itself, its script's interpreter, or the image's dynamic loader before it. */
async function startOf(
  program: Program,
  name: string,
  root: string,
  paths: ContainerPaths,
  notes: string[],
  depth = 0,
): Promise<[string, ...string[]]> {
  const found = await programKind(program.place);
  if (found.kind === 'script' && depth < 4) {
    const place = await paths.find(found.interpreter);
    // An image without the interpreter that its script names leaves it to the machine.
    const interpreter = { place: place ?? found.interpreter, path: found.interpreter };
    if (!(await isExecutable(interpreter.place))) {
      throw new UnstartableCommand(`exec ${name}: no such file or directory`, 127);
    }
    const start = await startOf(interpreter, found.interpreter, root, paths, notes, depth + 1);
    return [...start, ...(found.argument === undefined ? [] : [found.argument]), program.place];
  }
  if (found.kind !== 'elf' || !isNative(found.machine)) {
    throw new UnstartableCommand(`exec ${program.path}: Exec format error`, 126);
  }
  const { interpreter } = found;
  if (interpreter === undefined || (await machineLoads(interpreter, program.place))) return [program.place];
  const loader = await paths.find(interpreter);
  if (loader === undefined) {
    throw new UnstartableCommand(`exec ${program.path}: no such file or directory (${interpreter})`, 127);
  }
  notes.push(
    `${program.path} is run by the image's own loader ${interpreter}: this machine's lacks what it needs`,
  );
  return [loader, '--library-path', (await libraryFolders(root, dirname(loader))).join(':'), program.place];
}

/**
 * Whether this machine's own loader finds all that a program needs. It is preferred to the image's: then
 * `/proc/self/exe` is the program, and a program that starts itself again, as Node.js does, finds itself.
 */
async function machineLoads(interpreter: string, program: string): Promise<boolean> {
  if (!(await isExecutable(interpreter))) return false;
  // Only glibc's loader knows `--list`; musl's is the same for every version.
  const args = /ld-musl/.test(interpreter) ? undefined : ['--list', program];
  if (!args) return false;
  return new Promise((resolve) => {
    execFile(interpreter, args, { env: {}, timeout: 10_000 }, (error, stdout) => {
      resolve(error === null && !stdout.includes('not found'));
    });
  });
}

/** Where the image's loader would look for libraries. */
async function libraryFolders(root: string, beside: string): Promise<string[]> {
  const configured = await readFile(await resolveInRoot(root, '/etc/ld.so.conf'), 'utf8').catch(() => '');
  const named = configured.split('\n').filter((line) => line.startsWith('/'));
  const triplets = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu', arm: 'arm-linux-gnueabihf' };
  const triplet = process.arch in triplets ? triplets[process.arch as keyof typeof triplets] : '';
  const usual = [
    '/usr/local/lib',
    `/lib/${triplet}`,
    `/usr/lib/${triplet}`,
    '/lib',
    '/usr/lib',
    '/lib64',
    '/usr/lib64',
  ];
  const folders = new Set<string>([beside]);
  for (const folder of [...named, ...usual]) {
    const place = await resolveInRoot(root, folder);
    if (await exists(place)) folders.add(place);
  }
  return [...folders];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    // The superuser may execute what anybody may.
    return ((await stat(path)).mode & 0o111) !== 0;
  } catch {
    return false;
  }
}
