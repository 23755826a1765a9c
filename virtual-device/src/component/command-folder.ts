import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileDurably } from '../durable-file.js';
import type { Layout } from '../layout.js';

/** What the device's own `docker` command is made for. */
export type DockerCommandKind =
  | { readonly kind: 'docker' }
  | { readonly kind: 'podman' }
  | { readonly kind: 'process'; readonly imageStore: string };

const DOCKER_PROGRAM = fileURLToPath(new URL('../../bin/virtual-device-docker.js', import.meta.url));

/**
 * Writes the commands that scripts find before the machine's own: `reboot` and `shutdown`, which restart the
 * device and never the machine, `systemctl`, which restarts the agent alone, and `docker` where the machine's own is absent or does not answer.
 */
export function writeCommands(layout: Layout, docker: DockerCommandKind): void {
  const put = (name: string, lines: readonly string[]) =>
    writeFileDurably(join(layout.commands, name), `#!/bin/sh\n${lines.join('\n')}\n`, 0o755);
  put('reboot', rebootScript(layout));
  put('shutdown', shutdownScript(layout));
  put('systemctl', systemctlScript(layout));
  switch (docker.kind) {
    case 'docker':
      rmSync(join(layout.commands, 'docker'), { force: true });
      break;
    case 'podman':
      put('docker', ['exec podman "$@"']);
      break;
    case 'process':
      put('docker', dockerScript(layout, docker.imageStore));
      break;
  }
}

/** Plans with Node.js, then becomes the process: signals and exit code are the program's own. */
function dockerScript(layout: Layout, imageStore: string): string[] {
  const program = [process.execPath, DOCKER_PROGRAM, layout.root, imageStore].map(quote).join(' ');
  return [
    `{ plan=$(${program} "$$" "$@" 3>&1 >&4 4>&-); code=$?; } 4>&1`,
    '[ -n "$plan" ] || exit "$code"',
    'eval "$plan"',
  ];
}

/** The file by which the scripts ask the agent to restart the device. */
export function rebootRequest(layout: Layout): string {
  return join(layout.run, 'reboot');
}

/** The file by which the scripts ask the agent to restart itself. */
export function agentRestartRequest(layout: Layout): string {
  return join(layout.run, 'restart');
}

function rebootScript(layout: Layout): string[] {
  const request = rebootRequest(layout);
  return [
    '# Asks the virtual device that this component runs on to restart.',
    `echo "\${0##*/} $*" > ${quote(request)} || { echo "reboot: the device does not take the request" >&2; exit 1; }`,
  ];
}

function shutdownScript(layout: Layout): string[] {
  return [
    '# Of a virtual device only the restart is built.',
    'restart=',
    'for arg in "$@"; do',
    '  case $arg in',
    '    -r|--reboot) restart=1 ;;',
    '    now|+0|-f|--force|--no-wall) ;;',
    '    -c) exit 0 ;;',
    '    -*|+*) echo "shutdown: $arg is not built on a virtual device; use shutdown -r now" >&2; exit 1 ;;',
    '  esac',
    'done',
    'if [ -z "$restart" ]; then',
    '  echo "shutdown: a virtual device is only restarted; use shutdown -r now" >&2',
    '  exit 1',
    'fi',
    `exec ${quote(join(layout.commands, 'reboot'))}`,
  ];
}

/** Of a device's services, only that of the core device is there, and only its restart is built. */
function systemctlScript(layout: Layout): string[] {
  const refuse = 'of a virtual device only the core is restarted; use systemctl restart greengrass.service';
  return [
    '# Asks the agent of the virtual device that this component runs on to restart.',
    'words=',
    'for arg in "$@"; do',
    '  case $arg in',
    '    --no-block|--quiet|-q|--no-ask-password) ;;',
    '    *) words="$words $arg" ;;',
    '  esac',
    'done',
    'case $words in',
    "  ' restart greengrass'|' restart greengrass.service') ;;",
    `  *) echo "systemctl:$words is not built; ${refuse}" >&2; exit 1 ;;`,
    'esac',
    `echo "systemctl$words" > ${quote(agentRestartRequest(layout))} || { echo "systemctl: the device does not take the request" >&2; exit 1; }`,
  ];
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
