/** What `docker run` is asked to do, as far as it means something to a plain process. */
export interface RunRequest {
  readonly image: string;
  /** After the image's name. */
  readonly command: readonly string[];
  readonly name: string | undefined;
  readonly detach: boolean;
  readonly interactive: boolean;
  readonly remove: boolean;
  /** `NAME=value`, or `NAME` for that of whoever runs the command, in order. */
  readonly environment: readonly string[];
  readonly environmentFiles: readonly string[];
  readonly mounts: readonly Mount[];
  readonly workdir: string | undefined;
  readonly user: string | undefined;
  /** Replaces the image's; `''` for none. */
  readonly entrypoint: string | undefined;
  readonly hostname: string | undefined;
  readonly platform: string | undefined;
  readonly pull: 'always' | 'missing' | 'never';
  readonly cidFile: string | undefined;
  /** What is accepted and cannot be done, in words. */
  readonly notes: readonly string[];
}

export interface Mount {
  /** A path of this machine, a volume's name, or undefined for a folder of the container's own. */
  readonly source: string | undefined;
  readonly target: string;
  /** Whether a missing source is made, as `--volume` does and `--mount` does not. */
  readonly makesSource: boolean;
}

/** Wrong use of the command, with the exit code and words that Docker has for it. */
export class DockerUsageError extends Error {
  override readonly name = 'DockerUsageError';

  constructor(
    message: string,
    readonly exitCode = 125,
  ) {
    super(message);
  }
}

/** Flags with a value; those of the second list are accepted and mean nothing to a process. */
const VALUES = new Set([
  ...['name', 'env', 'env-file', 'volume', 'mount', 'workdir', 'user', 'entrypoint', 'hostname', 'pull'],
  ...['platform', 'cidfile', 'network', 'net', 'publish', 'restart', 'device', 'gpus', 'memory', 'cpus'],
]);
const IDLE_VALUES = new Set([
  ...[
    'add-host',
    'annotation',
    'blkio-weight',
    'cap-add',
    'cap-drop',
    'cgroup-parent',
    'cgroupns',
    'cpu-period',
  ],
  ...['cpu-quota', 'cpu-shares', 'cpuset-cpus', 'cpuset-mems', 'device-cgroup-rule', 'dns', 'dns-option'],
  ...[
    'dns-search',
    'domainname',
    'expose',
    'group-add',
    'ip',
    'ip6',
    'ipc',
    'isolation',
    'kernel-memory',
    'label',
  ],
  ...['label-file', 'link', 'log-driver', 'log-opt', 'mac-address', 'memory-reservation', 'memory-swap'],
  ...['memory-swappiness', 'network-alias', 'oom-score-adj', 'pid', 'pids-limit', 'runtime', 'security-opt'],
  ...['shm-size', 'stop-signal', 'stop-timeout', 'storage-opt', 'sysctl', 'tmpfs', 'ulimit', 'userns', 'uts'],
]);
const BOOLEANS = new Set(['detach', 'interactive', 'rm', 'publish-all']);
const IDLE_BOOLEANS = new Set([
  ...['tty', 'init', 'privileged', 'read-only', 'no-healthcheck', 'oom-kill-disable', 'quiet', 'sig-proxy'],
  'disable-content-trust',
]);
const SHORT: Record<string, string> = {
  d: 'detach',
  i: 'interactive',
  t: 'tty',
  e: 'env',
  v: 'volume',
  w: 'workdir',
  u: 'user',
  h: 'hostname',
  p: 'publish',
  P: 'publish-all',
  l: 'label',
  m: 'memory',
  c: 'cpu-shares',
  q: 'quiet',
};

/**
 * Parses the arguments of `docker run`, after `run`.
 *
 * @throws DockerUsageError for flags that Docker or this device does not have
 */
export function parseRunArguments(args: readonly string[]): RunRequest {
  const flags = new Map<string, string[]>();
  const add = (name: string, value: string) => flags.set(name, [...(flags.get(name) ?? []), value]);
  const rest = [...args];
  for (let arg = rest[0]; arg?.startsWith('-') && arg !== '-'; arg = rest[0]) {
    rest.shift();
    if (arg === '--') break;
    for (const [name, attached] of expand(arg)) {
      if (BOOLEANS.has(name) || IDLE_BOOLEANS.has(name)) {
        add(name, attached ?? 'true');
        continue;
      }
      if (!VALUES.has(name) && !IDLE_VALUES.has(name)) {
        throw new DockerUsageError(`unknown flag: --${name}`);
      }
      const value = attached ?? rest.shift();
      if (value === undefined) throw new DockerUsageError(`flag needs an argument: --${name}`);
      add(name, value);
    }
  }
  const [image, ...command] = rest;
  if (image === undefined) throw new DockerUsageError('"docker run" requires at least 1 argument');
  const all = (name: string) => flags.get(name) ?? [];
  const last = (name: string) => all(name).at(-1);
  const isSet = (name: string) => last(name) === 'true';
  const pull = last('pull') ?? 'missing';
  if (pull !== 'always' && pull !== 'missing' && pull !== 'never') {
    throw new DockerUsageError(
      `invalid pull option: '${pull}': must be one of "always", "missing" or "never"`,
    );
  }
  return {
    image,
    command,
    name: last('name'),
    detach: isSet('detach'),
    interactive: isSet('interactive'),
    remove: isSet('rm'),
    environment: all('env'),
    environmentFiles: all('env-file'),
    mounts: [...all('volume').map(parseVolume), ...all('mount').flatMap(parseMount)],
    workdir: last('workdir'),
    user: last('user'),
    entrypoint: last('entrypoint'),
    hostname: last('hostname'),
    platform: last('platform'),
    pull,
    cidFile: last('cidfile'),
    notes: notesOn(all),
  };
}

/** The flags in one argument, each with the value that is attached to it. */
function expand(arg: string): [name: string, value: string | undefined][] {
  if (arg.startsWith('--')) {
    const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    return [[name, value]];
  }
  const flags: [string, string | undefined][] = [];
  for (let index = 1; index < arg.length; index++) {
    const letter = arg[index] ?? '';
    const name = SHORT[letter];
    if (name === undefined) throw new DockerUsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
    const attached = arg.slice(index + 1);
    if (BOOLEANS.has(name) || IDLE_BOOLEANS.has(name)) {
      if (!attached.startsWith('=')) {
        flags.push([name, undefined]);
        continue;
      }
    }
    flags.push([name, attached === '' ? undefined : attached.replace(/^=/, '')]);
    break;
  }
  return flags;
}

/** `source:target[:options]`, `target`. */
function parseVolume(text: string): Mount {
  const [first = '', second] = text.split(':');
  if (second === undefined) return { source: undefined, target: absolute(first, text), makesSource: true };
  return { source: first, target: absolute(second, text), makesSource: true };
}

/** `type=bind,source=…,target=…`. */
function parseMount(text: string): Mount[] {
  const fields = new Map(
    text.split(',').map((field) => {
      const [, key = field, value = ''] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
      return [key.toLowerCase(), value];
    }),
  );
  const type = fields.get('type') ?? 'volume';
  const source = fields.get('source') ?? fields.get('src');
  const target = fields.get('target') ?? fields.get('destination') ?? fields.get('dst');
  if (!target) throw new DockerUsageError(`invalid argument "${text}" for "--mount": target is required`);
  if (type === 'tmpfs') return [{ source: undefined, target: absolute(target, text), makesSource: true }];
  if (type !== 'bind' && type !== 'volume') {
    throw new DockerUsageError(`invalid argument "${text}" for "--mount": type ${type} is not built`);
  }
  return [{ source, target: absolute(target, text), makesSource: type === 'volume' }];
}

function absolute(path: string, text: string): string {
  if (path.startsWith('/')) return path;
  throw new DockerUsageError(`invalid volume specification: '${text}': mount path must be absolute`);
}

/** What is asked for that a process cannot have. */
function notesOn(all: (name: string) => readonly string[]): string[] {
  const notes: string[] = [];
  const networks = [...all('network'), ...all('net')].filter((network) => network !== 'host');
  if (networks.length > 0) notes.push(`network ${networks.join(', ')}: the process uses this machine's`);
  for (const port of all('publish')) {
    const parts = port.replace(/\/(?:tcp|udp|sctp)$/, '').split(':');
    if (parts.length > 1 && parts.at(-1) !== parts.at(-2)) {
      notes.push(`publish ${port}: the process listens on port ${parts.at(-1)} itself`);
    }
  }
  for (const device of all('device')) {
    const [outer, inner] = device.split(':');
    if (inner?.startsWith('/') && inner !== outer) notes.push(`device ${device}: the process sees ${outer}`);
  }
  const restart = all('restart').at(-1);
  if (restart !== undefined && restart !== 'no') {
    notes.push(`restart ${restart}: nothing but the component's own lifecycle starts the process again`);
  }
  for (const flag of ['gpus', 'memory', 'cpus', 'read-only'] as const) {
    if (all(flag).length > 0) notes.push(`${flag}: not enforced`);
  }
  return notes;
}
