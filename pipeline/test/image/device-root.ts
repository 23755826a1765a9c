import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { repositoryRoot } from '../../src/repository.js';

const scripts = join(repositoryRoot, 'os-image', 'first-boot', 'usr', 'lib', 'mooring');

/** A folder that stands for the root file system of a device, for the scripts of its first boot. */
export class DeviceRoot {
  readonly path = mkdtempSync(join(tmpdir(), 'mooring-first-boot-'));

  put(file: string, content: string | Buffer, mode = 0o644): this {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
    return this;
  }

  /** What an image brings. */
  asImage(): this {
    return this.put('etc/mooring/config.yaml.in', 'templateParameters:\n  SerialNumber: "@SERIAL_NUMBER@"\n')
      .put('etc/mooring/built', '1700000000\n')
      .put('etc/machine-id', '0123456789abcdef0123456789abcdef\n')
      .put('greengrass/v2/claim-certs/claim.pem.crt', 'certificate')
      .put('greengrass/v2/claim-certs/claim.private.pem.key', 'key');
  }

  /** What the core leaves when it has got its certificate. */
  asProvisioned(): this {
    return this.put('greengrass/v2/thingCert.crt', 'certificate')
      .put('greengrass/v2/privKey.key', 'key', 0o600)
      .put(
        'greengrass/v2/config/effectiveConfig.yaml',
        'system:\n  thingName: "1001"\n  certificateFilePath: /greengrass/v2/thingCert.crt\n  privateKeyPath: "/greengrass/v2/privKey.key"\n',
      );
  }

  run(script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const done = spawnSync('/bin/sh', [join(scripts, script), ...args], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        MOORING_ROOT: this.path,
        MOORING_OWNER: `${process.getuid?.()}:${process.getgid?.()}`,
        ...env,
      },
    });
    return { code: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr };
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8');
  }

  mode(file: string): string {
    return (statSync(join(this.path, file)).mode & 0o777).toString(8);
  }

  /** Every file below a folder with its content. */
  files(folder: string): Record<string, string> {
    const entries = readdirSync(join(this.path, folder), { recursive: true, withFileTypes: true });
    return Object.fromEntries(
      entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((path) => [relative(this.path, path), readFileSync(path, 'utf8')]),
    );
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
