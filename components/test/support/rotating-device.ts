import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, type FSWatcher, readFileSync, watch } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { componentNames } from '@mooring/contracts';
import { onTestFinished, vi } from 'vitest';
import { stringify } from 'yaml';
import { bundleProgram, nativePart } from '../../../pipeline/dist/components/program.js';
import { fillRecipe } from '../../../pipeline/dist/components/recipe.js';
import { HERE, TestRegistry } from '../../../virtual-device/test/support/images.js';
import { folders, recipeOf } from './recipe.js';
import { certificateId, type RotationCloud } from './rotation-cloud.js';

const COMMAND = fileURLToPath(new URL('../../../virtual-device/bin/virtual-device.js', import.meta.url));
const ROTATOR = componentNames.certificateRotator;

/** Waits until a check passes; what it checks takes processes that start, and so on. */
const eventually = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 120_000, interval: 100 });

/** The image of the rotator, with this machine's Node.js, in a registry that ends with the test. */
export async function rotatorImage(): Promise<string> {
  const registry = await TestRegistry.start();
  const source = fileURLToPath(new URL(`../../${folders[ROTATOR]}`, import.meta.url));
  const native = nativePart(HERE.architecture);
  const { code } = await bundleProgram(ROTATOR, source);
  return registry.add('rotator', {
    layers: [
      [
        { name: 'usr/local/bin/node', content: `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, mode: 0o755 },
        { name: 'app/', folder: true },
        { name: 'app/main.cjs', content: code },
        { name: `app/${native.name}`, content: await readFile(native.path) },
      ],
    ],
    config: { Entrypoint: ['node', '/app/main.cjs'] },
  });
}

/** A virtual device in processes of its own, with the certificate rotator as its recipe has it. */
export class RotatingDevice {
  readonly events: { readonly event: string; readonly [key: string]: unknown }[] = [];
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  readonly #watchers = new Set<FSWatcher>();

  private constructor(
    readonly thing: string,
    readonly folder: string,
    private readonly cloud: RotationCloud,
  ) {}

  /** Makes a device that was provisioned beforehand, starts it, and deploys the rotator to it. */
  static async start(
    thing: string,
    folder: string,
    cloud: RotationCloud,
    image: string,
    configuration: object = {},
  ): Promise<RotatingDevice> {
    const device = new RotatingDevice(thing, folder, cloud);
    const { privateKey, certificate } = await cloud.newThing(thing);
    await mkdir(device.root, { recursive: true });
    await writeFile(join(device.root, 'privKey.key'), privateKey, { mode: 0o600 });
    await writeFile(join(device.root, 'thingCert.crt'), certificate);
    await writeFile(join(device.root, 'rootCA.pem'), cloud.rootCa);
    await writeFile(
      join(folder, 'config.yaml'),
      stringify({
        system: {
          thingName: thing,
          certificateFilePath: join(device.root, 'thingCert.crt'),
          privateKeyPath: join(device.root, 'privKey.key'),
          rootCaPath: join(device.root, 'rootCA.pem'),
        },
        services: {
          'aws.greengrass.Nucleus': {
            configuration: {
              awsRegion: 'eu-central-1',
              iotDataEndpoint: `127.0.0.1:${cloud.ports.mqtt}`,
              greengrassDataPlaneEndpoint: 'iotdata',
              greengrassDataPlanePort: cloud.ports.https,
              mqtt: { minimumReconnectDelaySeconds: 1, maximumReconnectDelaySeconds: 1 },
            },
          },
        },
      }),
    );
    onTestFinished(() => device.stop());
    device.boot();
    await device.#deploy(image, configuration);
    return device;
  }

  get root(): string {
    return join(this.folder, 'v2');
  }

  get certificates(): string {
    return join(this.root, 'device-certificates');
  }

  /** Starts the device, or starts it again. */
  boot(): void {
    const child = spawn(
      process.execPath,
      [
        ...[COMMAND, 'run', '--root', this.root, '--init-config', join(this.folder, 'config.yaml'), '--json'],
        ...['--container-engine', 'process', '--exit-with-parent'],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
    createInterface({ input: child.stdout }).on('line', (line) => this.events.push(JSON.parse(line)));
  }

  /** As when the power is cut: nothing of the device runs when this returns. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
    for (;;) {
      const left = await this.#processes();
      if (left.length === 0) return;
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
    }
  }

  async stop(): Promise<void> {
    for (const watcher of this.#watchers) watcher.close();
    this.#child?.kill('SIGTERM');
    await this.#ended;
  }

  /** Until the rotator that runs now hears the cloud. */
  async listens(): Promise<void> {
    await eventually(() => {
      const log = this.log();
      if (log.lastIndexOf('Hears the cloud') > log.lastIndexOf('newState=RUNNING')) return;
      throw new Error(`it does not hear the cloud: ${log.slice(-1_000)}`);
    });
  }

  /** Until the device has told of something, from a number of events on. */
  async happens(what: string, from: number): Promise<void> {
    await eventually(() => {
      if (!this.events.slice(from).some(({ event }) => event === what)) throw new Error(`not ${what}`);
    });
  }

  /** What the rotator has said. */
  log(): string {
    const path = join(this.root, 'logs', `${ROTATOR}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  says(line: string): Promise<void> {
    return eventually(() => {
      if (!this.log().includes(line)) throw new Error(`not said: ${line}\n${this.log().slice(-3000)}`);
    });
  }

  /** Calls back the first time that a name in the certificates' folder is there and fits. */
  whenThere(fits: () => boolean, act: () => void): void {
    let isDone = false;
    const look = () => {
      if (isDone || !fits()) return;
      isDone = true;
      for (const watcher of this.#watchers) watcher.close();
      this.#watchers.clear();
      act();
    };
    const into = (folder: string) => {
      try {
        this.#watchers.add(watch(folder, look));
      } catch {
        // Gone already.
      }
    };
    const watcher = watch(this.certificates, (_event, name) => {
      if (name !== null && /^\d+$/.test(name)) into(join(this.certificates, name));
      look();
    });
    this.#watchers.add(watcher);
    look();
  }

  /** The number of the generation in use, and those that are there. */
  async generations(): Promise<string[]> {
    return (await readdir(this.certificates)).sort();
  }

  /** Whether key and certificate at the configured paths belong together. */
  get hasPair(): boolean {
    const certificate = new X509Certificate(readFileSync(join(this.root, 'thingCert.crt')));
    return certificate.checkPrivateKey(createPrivateKey(readFileSync(join(this.root, 'privKey.key'))));
  }

  /** The id of the certificate at the configured path. */
  get certificateId(): string {
    return certificateId(readFileSync(join(this.root, 'thingCert.crt'), 'utf8'));
  }

  /** Until the rotation is over: one generation, one certificate in the cloud, connected with it. */
  async rotatedFrom(before: string): Promise<void> {
    await eventually(async () => {
      const now = this.certificateId;
      const names = await this.generations();
      const active = await this.cloud.activeCertificates(this.thing);
      const connected = this.cloud.connectedWith(this.thing);
      const isOver = now !== before && names.length === 2 && active.join() === now && connected === now;
      const isConfirmed = !existsSync(join(this.certificates, 'current', 'issued.json'));
      if (isOver && isConfirmed) return;
      throw new Error(
        `not rotated: ${JSON.stringify({ before, now, names, active, connected })} ${this.cloud.failures}\n${this.log().slice(-4000)}`,
      );
    });
  }

  async #deploy(image: string, configuration: object): Promise<void> {
    const recipes = join(this.folder, 'recipes');
    await mkdir(recipes);
    const { ComponentVersion: version } = await recipeOf(ROTATOR);
    const text = await readFile(new URL(`../../${folders[ROTATOR]}/recipe.yaml`, import.meta.url), 'utf8');
    await writeFile(
      join(recipes, `${ROTATOR}-${version}.json`),
      fillRecipe(text, { name: ROTATOR, version, image, bucket: '' }),
    );
    await this.happens('connected', 0);
    const update = { [ROTATOR]: { MERGE: { pauses: { first: 0.5, longest: 1 }, ...configuration } } };
    await promisify(execFile)(process.execPath, [
      ...[COMMAND, 'deployment', 'create', '--root', this.root, '--wait', '--recipeDir', recipes],
      ...['--merge', `${ROTATOR}=${version}`, '--update-config', JSON.stringify(update)],
    ]);
  }

  async #processes(): Promise<number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const found = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        return environment.includes(`GG_ROOT_PATH=${this.root}\0`) ? pid : undefined;
      }),
    );
    return found.filter((pid) => pid !== undefined);
  }
}
