import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MooringError } from '../errors.js';
import type { Output } from '../output.js';
import { provision } from '../provisioning/provision.js';
import { programs, repositoryRoot } from '../repository.js';
import type { StateDirectory } from '../state-directory.js';
import { accountOf, DEFAULT_REGION, type Target } from '../target.js';
import { Child } from './child.js';
import { type Bundle, bundleComponents, deployLocally } from './components.js';
import { fetchImageFiles, type ImageFiles, prepareDevice } from './device.js';
import { measureBlink } from './led-watch.js';
import { chooseSerials } from './serials.js';

export interface StartOptions {
  readonly state: StateDirectory;
  readonly devices: number;
  readonly ports: { readonly http: number; readonly mqtt: number; readonly https: number };
  readonly allowlistFile: string;
  /** Deploys the infrastructure; tells in one sentence what it did. */
  readonly deploy: (target: Target) => Promise<string>;
}

/** A device that runs on this machine. */
export interface RunningDevice {
  readonly thing: string;
  readonly root: string;
  /** Whether it provisioned itself now; false when it had its certificate from an earlier start. */
  readonly provisioned: boolean;
  /** Measured blinking of its LED, hertz. */
  readonly hertz: number | undefined;
  readonly child: Child;
}

/** The whole system on one machine. */
export interface RunningSystem {
  readonly target: Target;
  readonly endpointUrl: string;
  readonly mqttPort: number;
  readonly httpsPort: number;
  readonly cloud: Child;
  readonly devices: readonly RunningDevice[];
  /** Seconds that each stage took. */
  readonly timings: Readonly<Record<string, number>>;
  /** Stops the devices, then the cloud; no process is left. */
  stop(): Promise<void>;
}

/** Seconds for one stage; generous, as it only ends what hangs. */
const STAGE_TIMEOUT = 120;
/** Devices that boot at the same time; more only take the cores from each other. */
const BOOTING_AT_ONCE = 4;

/**
 * Starts the local cloud, deploys the infrastructure, prepares provisioning, boots the devices and deploys
 * their components; resolves when every LED blinks.
 *
 * @param signal stops all that runs already when aborted.
 */
export async function startSystem(
  options: StartOptions,
  out: Output,
  signal: AbortSignal,
): Promise<RunningSystem> {
  const { state } = options;
  const allowlist = await readAllowlist(options.allowlistFile);
  const fleet = chooseSerials(allowlist, options.devices);
  state.prepare();
  const children: Child[] = [];
  const stop = async () => {
    const [cloud, ...devices] = children;
    await Promise.all(devices.map((device) => device.stop()));
    await cloud?.stop();
    state.clearRunning();
  };
  const timings: Record<string, number> = {};
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const begin = performance.now();
    const result = await work();
    timings[name] = (performance.now() - begin) / 1000;
    return result;
  };
  try {
    const bundling = stage('components', () => bundleComponents(state.components));
    bundling.catch(() => undefined);
    out.progress('Starting the local cloud');
    const { cloud, endpointUrl, mqttPort, httpsPort } = await stage('local cloud', () =>
      startCloud(options, children),
    );
    const target: Target = {
      stack: 'local',
      region: DEFAULT_REGION,
      endpoint: endpointUrl,
      credentials: async () => ({ accessKeyId: 'local', secretAccessKey: 'local' }),
    };
    state.setRunning({ pid: process.pid, endpointUrl, mqttPort, httpsPort });

    out.progress('Deploying the infrastructure');
    out.progress(`  ${await stage('deploy', () => options.deploy(target))}`);

    out.progress('Preparing provisioning');
    const provisioned = await stage('provision', () => provision(target, fleet.allowlist));
    out.progress(
      `  claim certificate ${provisioned.claimCertificateCreated ? 'made' : 'kept'}, ${provisioned.allowed} serial numbers allowed`,
    );
    if (fleet.madeUp.length > 0) {
      out.progress(
        `  ${fleet.madeUp.length} of them made up, as allowlist.txt has only ${fleet.serials.length - fleet.madeUp.length}; the file itself is as it was`,
      );
    }

    out.progress(`Booting ${fleet.serials.length} device${fleet.serials.length === 1 ? '' : 's'}`);
    const image = await fetchImageFiles(target, await accountOf(target));
    const bundle = await bundling;
    const devices = await stage('devices', () =>
      inParallel(fleet.serials, BOOTING_AT_ONCE, async (thing) => {
        signal.throwIfAborted();
        const device = await bootDevice({ thing, state, image, bundle, children, signal });
        out.progress(
          `  ${thing} ${device.provisioned ? 'provisioned itself' : 'was provisioned before'}, its LED blinks`,
        );
        return device;
      }),
    );
    return { target, endpointUrl, mqttPort, httpsPort, cloud, devices, timings, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readAllowlist(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new MooringError(
      'NoAllowlist',
      `The allowlist ${file} cannot be read: make it, with one serial number a line (the repository has one at ${join(repositoryRoot, 'allowlist.txt')})`,
    );
  }
}

async function startCloud(options: StartOptions, children: Child[]) {
  const { http, mqtt, https } = options.ports;
  const cloud = new Child({
    name: 'local cloud',
    script: programs.localCloud,
    arguments: [
      ...['--state-directory', options.state.localCloud],
      ...['--http-port', String(http), '--mqtt-port', String(mqtt), '--https-port', String(https)],
      ...['--region', DEFAULT_REGION, '--json', '--exit-with-parent'],
    ],
    logFile: join(options.state.logs, 'local-cloud.log'),
  });
  children.push(cloud);
  const ready = await cloud.waitFor(
    ({ event }) => event === 'ready' || event === 'failed',
    'ready',
    STAGE_TIMEOUT,
  );
  const ports = ready.ports as { http: number; mqtt: number; https: number };
  return { cloud, endpointUrl: String(ready.endpointUrl), mqttPort: ports.mqtt, httpsPort: ports.https };
}

interface Boot {
  readonly thing: string;
  readonly state: StateDirectory;
  readonly image: ImageFiles;
  readonly bundle: Bundle;
  readonly children: Child[];
  readonly signal: AbortSignal;
}

async function bootDevice({ thing, state, image, bundle, children, signal }: Boot): Promise<RunningDevice> {
  const root = state.device(thing);
  await mkdir(root, { recursive: true });
  const config = await prepareDevice(root, thing, image);
  const child = new Child({
    name: `device ${thing}`,
    script: programs.virtualDevice,
    arguments: ['run', '--root', root, '--init-config', config, '--json', '--exit-with-parent'],
    logFile: join(state.logs, `device-${thing}.log`),
  });
  children.push(child);
  let provisioned = false;
  child.onEvent(({ event }) => {
    if (event === 'provisioned') provisioned = true;
  });
  await child.waitFor(({ event }) => event === 'connected', 'connected', STAGE_TIMEOUT);
  await deployLocally(root, bundle);
  const late = AbortSignal.any([signal, AbortSignal.timeout(STAGE_TIMEOUT * 1000)]);
  const hertz = await measureBlink(root, 1, late);
  if (hertz === undefined && !signal.aborted) {
    throw new MooringError(
      'NoBlink',
      `The LED of device ${thing} does not blink: see ${join(root, 'logs', 'docker_led.log')}`,
    );
  }
  return { thing, root, provisioned, hertz, child };
}

/** Runs `work` for every item, `atOnce` at a time; results come in the order of the items. */
async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  await Promise.all(
    Array.from({ length: Math.min(atOnce, items.length) }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1]);
    }),
  );
  return results;
}
