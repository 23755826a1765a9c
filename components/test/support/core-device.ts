import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, watch } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../virtual-device/dist/clock.js';
import {
  type IotCoreMessage,
  IpcError,
  type IpcServer,
  type JsonValue,
  startIpcServer,
} from '../../../virtual-device/dist/ipc/index.js';
import { pressRecords } from './input-record.js';
import type { Programs } from './programs.js';
import { type Recipe, recipeOf } from './recipe.js';
import { temporaryFolder } from './temporary-folder.js';

const THING = 'SN-1';
const NUCLEUS = 'aws.greengrass.Nucleus';

/**
 * As much of a core device as a component sees: the IPC server of the virtual device, the recipe's
 * configuration and access control, its Run script with a `docker` that runs the program as a process, and an
 * LED and a button below a root of this test's own.
 */
export class CoreDevice {
  readonly published: { readonly topic: string; readonly payload: string; readonly qos: number }[] = [];
  readonly refusals: string[] = [];
  /** Where the nucleus is configured to have AWS IoT Core; nobody is there. */
  iotDataEndpoint = '127.0.0.1:1';
  readonly #recipes = new Map<string, Recipe>();
  readonly #subscribers = new Map<string, (message: IotCoreMessage) => void>();
  #server: IpcServer | undefined;
  #pressTime = 1_000;

  private constructor(
    readonly root: string,
    private readonly programs: Programs,
  ) {}

  static async start(programs: Programs): Promise<CoreDevice> {
    const device = new CoreDevice(await temporaryFolder(), programs);
    await device.#makeHardware();
    await device.startIpc();
    onTestFinished(() => device.stopIpc());
    return device;
  }

  async startIpc(): Promise<void> {
    const unused = () => {
      throw new IpcError('ServiceError', 'not used here');
    };
    this.#server = await startIpcServer({
      socketPath: join(this.root, 'ipc.socket'),
      authenticate: (token) => (this.#recipes.has(token) ? { componentName: token } : undefined),
      accessControlOf: (name) => this.#configuration(name).accessControl,
      configuration: {
        get: (name, keyPath) => {
          if (keyPath.length > 0) return undefined;
          return name === NUCLEUS ? { iotDataEndpoint: this.iotDataEndpoint } : this.#configuration(name);
        },
        update: unused,
        watch: unused,
      },
      iotCore: {
        publish: async (topic, payload, { qos }) => {
          this.published.push({ topic, payload: new TextDecoder().decode(payload), qos });
        },
        subscribe: async (filter, _qos, onMessage) => {
          this.#subscribers.set(filter, onMessage);
          return async () => void this.#subscribers.delete(filter);
        },
      },
      clock: systemClock,
      components: {
        list: () => [],
        details: () => undefined,
        updateState: unused,
        restart: unused,
        stop: unused,
      },
      updates: {
        subscribeToUpdates: () => () => {},
        defer: unused,
        subscribeToValidation: () => () => {},
        report: unused,
      },
      localDeployments: { create: unused, status: () => undefined, list: () => [] },
      log: (level, message) => {
        if (level === 'warn' || level === 'error') this.refusals.push(message);
      },
    });
  }

  async stopIpc(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** Runs a component as its recipe says. */
  async run(component: string, env: NodeJS.ProcessEnv = {}): Promise<RunningProcess> {
    const recipe = await recipeOf(component);
    this.#recipes.set(component, recipe);
    const { Run, Setenv } = recipe.Manifests[0].Lifecycle;
    const variables = (text: string) =>
      text
        .replaceAll('{kernel:rootPath}', this.root)
        .replaceAll(/\{configuration:\/(\w+)\}/g, (_, key: string) =>
          String(this.#configuration(component)[key] ?? ''),
        );
    const running = new RunningProcess(
      spawn('sh', ['-c', variables(Run.Script).replaceAll('IMAGE_URI', component)], {
        cwd: this.root,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: `${this.programs.dockerFolder}:${process.env.PATH}`,
          AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: this.#server?.socketPath,
          SVCUID: component,
          AWS_IOT_THING_NAME: THING,
          GG_ROOT_CA_PATH: join(this.root, 'rootCA.pem'),
          SYSFS_PATH: join(this.root, 'sys'),
          DEVFS_PATH: join(this.root, 'dev'),
          ...Object.fromEntries(Object.entries(Setenv).map(([name, value]) => [name, variables(value)])),
          ...env,
        },
      }),
    );
    onTestFinished(async () => {
      running.signal('SIGKILL');
      await running.exit;
    });
    return running;
  }

  /** The cloud publishes; false when nobody subscribes to that. */
  fromCloud(topic: string, payload: string): boolean {
    const subscriber = this.#subscribers.get(topic);
    subscriber?.({ topic, payload: new TextEncoder().encode(payload) });
    return subscriber !== undefined;
  }

  /** What was published to a topic of IoT Core, oldest first. */
  told(topic: string): string[] {
    return this.published.filter((message) => message.topic === topic).map(({ payload }) => payload);
  }

  async press(): Promise<void> {
    this.#pressTime += 1_000;
    const fifo = await open(join(this.root, 'dev', 'input', 'event0'), constants.O_WRONLY);
    await fifo.write(pressRecords(148, this.#pressTime));
    await fifo.close();
  }

  async led(attribute: 'brightness' | 'trigger'): Promise<string> {
    return (await readFile(join(this.root, 'sys', 'class', 'leds', 'ACT', attribute), 'utf8')).trim();
  }

  /** Resolves when the LED has been seen to change so many times. */
  async changes(count: number): Promise<void> {
    const path = join(this.root, 'sys', 'class', 'leds', 'ACT', 'brightness');
    let left = count;
    let last = await this.led('brightness');
    const watcher = watch(path);
    try {
      while (left > 0) {
        await once(watcher, 'change');
        const now = await this.led('brightness');
        if (now !== '' && now !== last) {
          left--;
          last = now;
        }
      }
    } finally {
      watcher.close();
    }
  }

  #configuration(component: string): Record<string, JsonValue> {
    return this.#recipes.get(component)?.ComponentConfiguration?.DefaultConfiguration ?? {};
  }

  async #makeHardware(): Promise<void> {
    await writeFile(join(this.root, 'rootCA.pem'), '');
    const led = join(this.root, 'sys', 'class', 'leds', 'ACT');
    await mkdir(led, { recursive: true });
    await writeFile(join(led, 'max_brightness'), '255\n');
    await writeFile(join(led, 'brightness'), '0\n');
    await writeFile(join(led, 'trigger'), 'none [heartbeat]\n');
    await mkdir(join(this.root, 'dev', 'input'), { recursive: true });
    execFileSync('mkfifo', [join(this.root, 'dev', 'input', 'event0')]);
  }
}

/** A component's process, with its log. */
export class RunningProcess {
  readonly out: string[] = [];
  readonly err: string[] = [];
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals | null>;

  constructor(private readonly child: ChildProcess) {
    for (const [stream, lines] of [
      [child.stdout, this.out],
      [child.stderr, this.err],
    ] as const) {
      if (stream) createInterface({ input: stream }).on('line', (line) => lines.push(line));
    }
    this.exit = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  /** Sends the script a signal; SIGKILL also to all that it started. */
  signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.child;
    if (signal !== 'SIGKILL' || pid === undefined) this.child.kill(signal);
    else if (exitCode === null && signalCode === null) process.kill(-pid, signal);
  }
}
