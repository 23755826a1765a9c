import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { componentNames } from '@mooring/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { recipeOf } from '../support/recipe.js';
import { temporaryFolder } from '../support/temporary-folder.js';

let script: string;
beforeAll(async () => {
  script = (await recipeOf(componentNames.certificateRotator)).Manifests[0].Lifecycle.Run.Script;
});

/** Commands that change something on the disk. */
const COMMANDS = ['cp', 'ln', 'mkdir', 'mv', 'rm', 'sync'];

/** The place of a core device, and its recipe's script with a `docker` that does as it is told. */
class Host {
  readonly root: string;
  readonly #bin: string;

  private constructor(private readonly folder: string) {
    this.root = join(folder, 'v2');
    this.#bin = join(folder, 'bin');
    mkdirSync(this.root);
    mkdirSync(this.#bin);
    this.#command(
      'docker',
      'echo "docker $*" >> docker.log; [ "$1" = rm ] || exit "$(sed -n 1p codes; sed -i 1d codes)"',
    );
    for (const name of COMMANDS) {
      this.#command(
        name,
        `echo "${name} $*" >> commands.log
if [ "$(wc -l < commands.log)" -gt "$LAST" ]; then kill -9 "$PPID"; exit; fi
exec ${spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()} "$@"`,
      );
    }
  }

  static async make(): Promise<Host> {
    return new Host(await temporaryFolder());
  }

  put(name: string, text: string): void {
    writeFileSync(join(this.root, name), text, { mode: 0o600 });
  }

  text = (name: string) => readFileSync(join(this.root, name), 'utf8');

  /** Runs the script; it is killed after so many commands that change something. */
  run({ last = 1_000, codes = [0], environment = {} as Record<string, string> } = {}) {
    writeFileSync(join(this.folder, 'codes'), codes.join('\n'));
    rmSync(join(this.folder, 'commands.log'), { force: true });
    writeFileSync(join(this.folder, 'docker.log'), '');
    const { status, signal, stderr, stdout } = spawnSync(
      'sh',
      ['-c', script.replaceAll('{kernel:rootPath}', this.root)],
      {
        cwd: this.folder,
        encoding: 'utf8',
        env: {
          PATH: `${this.#bin}:${process.env.PATH}`,
          LAST: String(last),
          AWS_IOT_THING_NAME: 'SN-1',
          RESTART_COMMAND: 'echo restarts; exit 3',
          ...environment,
        },
      },
    );
    const docker = readFileSync(join(this.folder, 'docker.log'), 'utf8');
    return { status, signal, stderr, stdout, runs: docker.split('docker run').length - 1 };
  }

  #command(name: string, body: string): void {
    writeFileSync(join(this.#bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
}

describe('the script of the certificate rotator', () => {
  it('makes links of the files that there are, and leaves the same pair in place wherever it is killed', async () => {
    for (let last = 0; ; last++) {
      const host = await Host.make();
      host.put('thingCert.crt', 'certificate');
      host.put('privKey.key', 'key');
      const { signal } = host.run({ last });
      expect([host.text('thingCert.crt'), host.text('privKey.key')]).toEqual(['certificate', 'key']);
      expect(host.run().status).toBe(0);
      expect([host.text('thingCert.crt'), host.text('privKey.key')]).toEqual(['certificate', 'key']);
      const current = join(host.root, 'device-certificates', 'current');
      expect(readlinkSync(join(host.root, 'thingCert.crt'))).toBe(join(current, 'certificate.pem'));
      expect(readlinkSync(join(host.root, 'privKey.key'))).toBe(join(current, 'private.key'));
      expect(lstatSync(current).isSymbolicLink()).toBe(true);
      expect(statSync(join(current, 'private.key')).mode & 0o777).toBe(0o600);
      expect(readdirSync(host.root).sort()).toEqual(['device-certificates', 'privKey.key', 'thingCert.crt']);
      if (signal === null) {
        expect(last).toBeGreaterThan(12);
        break;
      }
    }
  });

  it('takes a pair that was put in place by hand for a new generation', async () => {
    const host = await Host.make();
    host.put('device.pem.crt', 'certificate');
    host.put('private.pem.key', 'key');
    host.run();
    for (const name of ['device.pem.crt', 'private.pem.key']) rmSync(join(host.root, name));
    host.put('device.pem.crt', 'another certificate');
    host.put('private.pem.key', 'another key');
    expect(host.run().status).toBe(0);
    expect(readlinkSync(join(host.root, 'device-certificates', 'current'))).toBe('2');
    expect(host.text('private.pem.key')).toBe('another key');
    host.run();
    expect(readlinkSync(join(host.root, 'device-certificates', 'current'))).toBe('2');
  });

  it('finds the files where it is told, or where the nucleus is', async () => {
    const host = await Host.make();
    const elsewhere = join(host.root, 'else where');
    mkdirSync(elsewhere);
    mkdirSync(join(host.root, 'config'));
    host.put('else where/c.pem', 'certificate');
    host.put('else where/k.pem', 'key');
    host.put(
      'config/effectiveConfig.yaml',
      `services:\n  other:\n    configuration:\n      privateKeyPath: "/wrong"\nsystem:\n  certificateFilePath: "${elsewhere}/c.pem"\n  privateKeyPath: ${elsewhere}/k.pem\n`,
    );
    expect(host.run().status).toBe(0);
    expect(lstatSync(join(elsewhere, 'k.pem')).isSymbolicLink()).toBe(true);
    host.put('own.crt', 'own certificate');
    host.put('own.key', 'own key');
    const environment = {
      CERTIFICATE_FILE: join(host.root, 'own.crt'),
      PRIVATE_KEY_FILE: join(host.root, 'own.key'),
    };
    expect(host.run({ environment }).status).toBe(0);
    expect(host.text('device-certificates/current/private.key')).toBe('own key');
  });

  it('says which file there is not', async () => {
    const host = await Host.make();
    host.put('thingCert.crt', 'certificate');
    expect(host.run()).toMatchObject({
      status: 1,
      stderr: `There is no private key at ${host.root}/private.pem.key: set the configuration key privateKey to its path\n`,
    });
  });

  it('runs the restart command when the component asks for it, says when it fails, and goes on', async () => {
    const host = await Host.make();
    host.put('thingCert.crt', 'certificate');
    host.put('privKey.key', 'key');
    expect(host.run({ codes: [75, 75, 7] })).toEqual({
      status: 7,
      signal: null,
      runs: 3,
      stdout: 'restarts\nrestarts\n',
      stderr: 'The core device does not start again: the restart command failed with exit code 3\n'.repeat(2),
    });
  });
});
