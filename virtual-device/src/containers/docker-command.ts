import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { pause, systemClock } from '../clock.js';
import { DeviceError, messageOf } from '../errors.js';
import { layoutOf } from '../layout.js';
import { type ContainerRecord, ContainerTable, isRunning } from './container-table.js';
import { type ParsedArguments, parseArguments } from './docker-flags.js';
import { dockerRun } from './docker-run.js';
import { containerRow, imageRow, inspectContainer, inspectImage, printRows } from './docker-views.js';
import { loadArchive } from './image-archive.js';
import { type ImageRecord, ImageStore } from './image-store.js';
import { StoredLogins } from './logins.js';
import { machinePlatform } from './manifest.js';
import { ProcessImages } from './process-images.js';
import { parseReference } from './reference.js';
import { DockerUsageError, type RunRequest } from './run-arguments.js';
import { UnstartableCommand } from './run-plan.js';
import { fillTemplate } from './template.js';

/** What the `docker` command of a device without a container engine is started with. */
export interface DockerCommandInput {
  readonly root: string;
  readonly imageStore: string;
  /** The shell that runs what is returned. */
  readonly shellPid: number;
  readonly args: readonly string[];
}

/**
 * The `docker` command where images run as processes: what recipes use of it.
 *
 * @returns a script for the calling shell, and its exit code when there is none
 */
export async function runDocker(input: DockerCommandInput): Promise<{ script: string; exitCode: number }> {
  const command = new DockerCommand(input);
  try {
    const script = await command.run(input.args);
    return {
      script: typeof script === 'string' ? script : '',
      exitCode: typeof script === 'number' ? script : 0,
    };
  } catch (error) {
    warn(`docker: ${messageOf(error).replace(/\.$/, '')}.`);
    const isKnown = error instanceof DockerUsageError || error instanceof UnstartableCommand;
    const isRun = input.args.includes('run');
    return { script: '', exitCode: isKnown ? error.exitCode : isRun ? 125 : 1 };
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function warn(line: string): void {
  process.stderr.write(`${line}\n`);
}

const VERSION = '28.0.0';

class DockerCommand {
  readonly #store: ImageStore;
  readonly #table: ContainerTable;
  readonly #logins: StoredLogins;
  readonly #images: ProcessImages;
  readonly #volumes: string;

  constructor(private readonly input: DockerCommandInput) {
    const layout = layoutOf(input.root);
    this.#store = new ImageStore(input.imageStore, layout.root, 'command');
    this.#table = new ContainerTable(layout.containers);
    this.#logins = new StoredLogins(join(layout.root, 'config'));
    this.#volumes = layout.volumes;
    this.#images = new ProcessImages({
      store: this.#store,
      login: (registry) => Promise.resolve(this.#logins.of(registry)),
      clock: systemClock,
      log: (_level, message) => warn(message),
    });
  }

  /** @returns a script to go on with, or an exit code */
  async run(args: readonly string[]): Promise<string | number> {
    const [verb, ...rest] = skipGlobalFlags(args);
    if (verb === 'container' || verb === 'image') {
      const [inner = '', ...more] = rest;
      const renamed: Record<string, string> = verb === 'image' ? IMAGE_VERBS : CONTAINER_VERBS;
      const known = Object.hasOwn(renamed, inner) ? renamed[inner] : undefined;
      if (known === undefined) throw notBuilt(`${verb} ${inner}`);
      return this.#do(known, more);
    }
    return this.#do(verb ?? 'help', rest);
  }

  async #do(verb: string, args: readonly string[]): Promise<string | number> {
    switch (verb) {
      case 'run':
        return dockerRun(args, {
          store: this.#store,
          table: this.#table,
          volumes: this.#volumes,
          imageOf: (name, pull) => this.#imageOf(name, pull),
          shellPid: this.input.shellPid,
          environment: process.env,
          say,
          warn: (line) => warn(`docker: ${line}.`),
        });
      case 'pull':
        return this.#pull(
          parseArguments(args, ['platform'], ['q', 'quiet', 'a', 'all-tags', 'disable-content-trust']),
        );
      case 'load':
        return this.#load(parseArguments(args, ['i', 'input', 'platform'], ['q', 'quiet']));
      case 'login':
        return this.#login(parseArguments(args, ['u', 'username', 'p', 'password'], ['password-stdin']));
      case 'logout':
        for (const registry of parseArguments(args, [], []).operands) this.#logins.delete(hostOf(registry));
        return 0;
      case 'images':
        return this.#listImages(
          parseArguments(args, ['format', 'f', 'filter'], ['q', 'quiet', 'a', 'all', 'no-trunc', 'digests']),
        );
      case 'rmi':
        return this.#removeImages(parseArguments(args, [], ['f', 'force', 'no-prune']));
      case 'tag':
        return this.#tag(parseArguments(args, [], []).operands);
      case 'image inspect':
      case 'inspect':
        return this.#inspect(verb, parseArguments(args, ['f', 'format', 'type'], ['s', 'size']));
      case 'ps':
        return this.#listContainers(
          parseArguments(
            args,
            ['f', 'filter', 'format', 'n', 'last'],
            ['a', 'all', 'q', 'quiet', 'no-trunc', 'l', 'latest', 's', 'size'],
          ),
        );
      case 'stop':
        return this.#stop(parseArguments(args, ['t', 'time', 'timeout', 's', 'signal'], []));
      case 'kill':
        return this.#kill(parseArguments(args, ['s', 'signal'], []));
      case 'rm':
        return this.#removeContainers(parseArguments(args, [], ['f', 'force', 'v', 'volumes']));
      case 'logs':
        return this.#logs(
          parseArguments(
            args,
            ['n', 'tail', 'since', 'until'],
            ['t', 'timestamps', 'details', 'f', 'follow'],
          ),
        );
      case 'version':
        return this.#version(parseArguments(args, ['f', 'format'], []));
      case 'info':
        return this.#info(parseArguments(args, ['f', 'format'], []));
      case '--version':
      case '-v':
        say(`Docker version ${VERSION}, images run as processes (virtual-device)`);
        return 0;
      case 'help':
      case '--help':
        say(`This device has no container engine: images run as processes. Built: ${BUILT.join(', ')}.`);
        return 0;
      default:
        throw notBuilt(verb);
    }
  }

  async #pull({ operands, flags }: ParsedArguments): Promise<number> {
    const [name] = operands;
    if (name === undefined) throw new DockerUsageError('"docker pull" requires exactly 1 argument', 1);
    await this.#images.pull(name, new AbortController().signal);
    if (!flags.has('q') && !flags.has('quiet')) say(`Status: Image is there for ${name}`);
    say(parseReference(name).canonical);
    return 0;
  }

  async #imageOf(name: string, pull: RunRequest['pull']): Promise<ImageRecord> {
    const known = pull === 'always' ? undefined : this.#find(name);
    if (known) return known;
    if (pull === 'never') throw new DockerUsageError(`No such image: ${name}`);
    if (pull === 'missing') warn(`Unable to find image '${name}' locally`);
    await this.#images.pull(name, new AbortController().signal);
    const image = this.#find(name);
    if (image) return image;
    throw new DeviceError('OFFLINE', `The image ${name} does not stay in the image store`);
  }

  #find(name: string): ImageRecord | undefined {
    const id = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(name) ? this.#store.findById(name) : undefined;
    return id ?? this.#store.find(parseReference(name));
  }

  async #load({ flags }: ParsedArguments): Promise<number> {
    const file = flags.get('i') ?? flags.get('input');
    const source = file === undefined ? process.stdin : createReadStream(file);
    const names = await loadArchive(source, this.#store, Date.now(), new AbortController().signal);
    for (const name of names) say(`Loaded image${name.startsWith('sha256:') ? ' ID' : ''}: ${name}`);
    return 0;
  }

  async #login({ operands, flags }: ParsedArguments): Promise<number> {
    const registry = hostOf(operands[0] ?? 'docker.io');
    const username = flags.get('u') ?? flags.get('username');
    const password = flags.has('password-stdin')
      ? (await readAll(process.stdin)).replace(/\r?\n$/, '')
      : (flags.get('p') ?? flags.get('password'));
    if (!username || !password) throw new DockerUsageError('login needs --username and --password-stdin', 1);
    this.#logins.put(registry, { username, password });
    say('Login Succeeded');
    return 0;
  }

  #listImages({ operands, flags }: ParsedArguments): number {
    const rows = this.#store.list().flatMap((image) => {
      const names = this.#store.namesOf(image);
      return (names.length > 0 ? names : ['<none>:<none>']).map((name) => imageRow(image, name));
    });
    const wanted = rows.filter(({ Repository, Tag }) =>
      operands.every((operand) => {
        const { registry, repository, tag } = parseReference(operand);
        const isNamed = `${registry}/${repository}` === Repository;
        return isNamed && (!operand.includes(':') || tag === Tag);
      }),
    );
    if (flags.has('q') || flags.has('quiet')) for (const id of new Set(wanted.map(({ ID }) => ID))) say(id);
    else printRows(say, wanted, ['Repository', 'Tag', 'ID'], flags.get('format'));
    return 0;
  }

  #removeImages({ operands, flags }: ParsedArguments): number {
    let code = 0;
    for (const name of operands) {
      const image = this.#find(name);
      if (!image) {
        if (flags.has('f') || flags.has('force')) continue;
        warn(`Error response from daemon: No such image: ${name}`);
        code = 1;
        continue;
      }
      for (const own of this.#store.namesOf(image)) {
        this.#store.untag(own);
        say(`Untagged: ${own}`);
      }
    }
    return code;
  }

  #tag([from, to]: readonly string[]): number {
    if (from === undefined || to === undefined)
      throw new DockerUsageError('"docker tag" requires exactly 2 arguments', 1);
    const image = this.#find(from);
    if (!image) throw new DockerUsageError(`No such image: ${from}`, 1);
    const reference = parseReference(to);
    this.#store.use(reference);
    this.#store.record(reference, image);
    return 0;
  }

  #inspect(verb: string, { operands, flags }: ParsedArguments): number {
    const format = flags.get('f') ?? flags.get('format');
    const found: unknown[] = [];
    let code = 0;
    for (const name of operands) {
      const container =
        verb === 'inspect' && flags.get('type') !== 'image' ? this.#table.find(name) : undefined;
      const image = container || flags.get('type') === 'container' ? undefined : this.#find(name);
      if (container) found.push(inspectContainer(container));
      else if (image) found.push(inspectImage(image, this.#store.namesOf(image)));
      else {
        warn(`Error: No such ${verb === 'inspect' ? 'object' : 'image'}: ${name}`);
        code = 1;
      }
    }
    if (format === undefined) say(JSON.stringify(found, undefined, 4));
    else for (const entry of found) say(fillTemplate(format, entry));
    return code;
  }

  #listContainers({ flags }: ParsedArguments): number {
    const filters = flags.all('f', 'filter');
    const all = flags.has('a') || flags.has('all') || filters.some((filter) => filter.startsWith('status='));
    const rows = this.#table
      .list()
      .filter((container) => all || isRunning(container))
      .filter((container) => filters.every((filter) => fits(container, filter)))
      .map(containerRow);
    const isLong = flags.has('no-trunc');
    if (flags.has('q') || flags.has('quiet')) for (const { ID, Id } of rows) say(isLong ? Id : ID);
    else printRows(say, rows, ['ID', 'Image', 'Command', 'Status', 'Names'], flags.get('format'));
    return 0;
  }

  async #stop({ operands, flags }: ParsedArguments): Promise<number> {
    const seconds = Number(flags.get('t') ?? flags.get('time') ?? flags.get('timeout') ?? 10);
    return this.#each(operands, async (container) => {
      if (isRunning(container)) await end(container, Number.isFinite(seconds) ? seconds : 10);
    });
  }

  #kill({ operands, flags }: ParsedArguments): Promise<number> {
    const given = (flags.get('s') ?? flags.get('signal') ?? 'KILL').replace(/^SIG/, '');
    const signal = /^\d+$/.test(given) ? Number(given) : `SIG${given}`;
    return this.#each(operands, async (container) => {
      if (!isRunning(container)) throw new DockerUsageError(`container ${container.name} is not running`, 1);
      process.kill(container.pid, signal as NodeJS.Signals);
    });
  }

  #removeContainers({ operands, flags }: ParsedArguments): Promise<number> {
    const force = flags.has('f') || flags.has('force');
    return this.#each(
      operands,
      async (container) => {
        if (isRunning(container)) {
          if (!force) {
            throw new DockerUsageError(
              `cannot remove container "${container.name}": it is running: stop it first`,
              1,
            );
          }
          await end(container, 0);
        }
        this.#table.remove(container);
      },
      force,
    );
  }

  async #each(
    names: readonly string[],
    work: (container: ContainerRecord) => Promise<void>,
    maybeAbsent = false,
  ): Promise<number> {
    let code = 0;
    for (const name of names) {
      const container = this.#table.find(name);
      try {
        if (container) await work(container);
        else if (!maybeAbsent) throw new DockerUsageError(`No such container: ${name}`, 1);
        say(name);
      } catch (error) {
        warn(`Error response from daemon: ${messageOf(error)}`);
        code = 1;
      }
    }
    return code;
  }

  #logs({ operands, flags }: ParsedArguments): number {
    const container = this.#table.find(operands[0] ?? '');
    if (!container) throw new DockerUsageError(`No such container: ${operands[0] ?? ''}`, 1);
    if (flags.has('f') || flags.has('follow')) throw notBuilt('logs --follow');
    if (container.log === undefined || !existsSync(container.log)) {
      warn(`docker: what ${container.name} prints goes to where it was started: the component's log.`);
      return 0;
    }
    const lines = readFileSync(container.log, 'utf8').split('\n').slice(0, -1);
    const tail = flags.get('n') ?? flags.get('tail');
    for (const line of tail === undefined || tail === 'all' ? lines : lines.slice(-Number(tail))) say(line);
    return 0;
  }

  #version({ flags }: ParsedArguments): number {
    const { os, architecture } = machinePlatform();
    const side = { Version: VERSION, Os: os, Arch: architecture, ApiVersion: '1.48' };
    const format = flags.get('f') ?? flags.get('format');
    if (format !== undefined) say(fillTemplate(format, { Client: side, Server: side }));
    else
      say(
        `Client:\n Version: ${VERSION}\nServer: virtual-device, images run as processes\n Version: ${VERSION}`,
      );
    return 0;
  }

  #info({ flags }: ParsedArguments): number {
    const { os, architecture } = machinePlatform();
    const info = {
      ServerVersion: VERSION,
      OperatingSystem: 'virtual-device, images run as processes',
      OSType: os,
      Architecture: architecture,
      Containers: this.#table.list().length,
      Images: this.#store.list().length,
    };
    const format = flags.get('f') ?? flags.get('format');
    if (format !== undefined) say(fillTemplate(format, info));
    else for (const [key, value] of Object.entries(info)) say(`${key}: ${value}`);
    return 0;
  }
}

const IMAGE_VERBS: Record<string, string> = {
  ls: 'images',
  list: 'images',
  inspect: 'image inspect',
  pull: 'pull',
  rm: 'rmi',
  load: 'load',
  tag: 'tag',
};
const CONTAINER_VERBS: Record<string, string> = {
  ls: 'ps',
  list: 'ps',
  ps: 'ps',
  run: 'run',
  stop: 'stop',
  kill: 'kill',
  rm: 'rm',
  logs: 'logs',
  inspect: 'inspect',
};
const BUILT = [
  ...['run', 'pull', 'load', 'login', 'logout', 'images', 'image inspect', 'rmi', 'tag', 'inspect', 'ps'],
  ...['stop', 'kill', 'rm', 'logs', 'version', 'info'],
];

function notBuilt(verb: string): DockerUsageError {
  return new DockerUsageError(
    `"${verb}" is not built: this device has no container engine and runs images as processes`,
    1,
  );
}

function skipGlobalFlags(args: readonly string[]): readonly string[] {
  const valued = ['--config', '--context', '-c', '--host', '-H', '--log-level', '-l'];
  const [first, ...rest] = args;
  if (first === undefined || !first.startsWith('-')) return args;
  if (valued.includes(first)) return skipGlobalFlags(rest.slice(1));
  if (valued.some((flag) => first.startsWith(`${flag}=`)) || first === '-D' || first === '--debug') {
    return skipGlobalFlags(rest);
  }
  return args;
}

function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' || host === '' ? 'docker.io' : host;
}

async function end({ pid, ...container }: ContainerRecord, seconds: number): Promise<void> {
  const record = { pid, ...container };
  if (seconds > 0) process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + seconds * 1000;
  while (isRunning(record) && Date.now() < deadline) await pause(systemClock, 20);
  if (isRunning(record)) process.kill(pid, 'SIGKILL');
  while (isRunning(record)) await pause(systemClock, 5);
}

function fits(container: ContainerRecord, filter: string): boolean {
  const [key = '', value = ''] = filter.split(/=(.*)/s);
  switch (key) {
    case 'name':
      return container.name.includes(value.replace(/^\^?\/?|\$$/g, ''));
    case 'id':
      return container.id.startsWith(value);
    case 'status':
      return value === (isRunning(container) ? 'running' : 'exited');
    case 'ancestor':
      return container.image === value || container.image.split(/[:@]/)[0] === value;
    default:
      throw new DockerUsageError(`invalid filter '${key}'`, 1);
  }
}
