import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel } from '@mooring/functions/in-parallel';
import type { PublishedComponent } from '../components/publish.js';
import { MooringError } from '../errors.js';
import { withDashboardChanges } from '../fleet-sync/dashboard-changes.js';
import { attachListed } from '../fleet-sync/sync.js';
import type { Output } from '../output.js';
import { provision } from '../provisioning/provision.js';
import { repositoryRoot } from '../repository.js';
import type { StateDirectory } from '../state-directory.js';
import { accountOf, type Target } from '../target.js';
import { bootDevice, type RunningDevice } from './boot.js';
import type { Child } from './child.js';
import { type CloudPorts, type RunningCloud, startCloud } from './cloud.js';
import { buildHere, deployHere, publishHere } from './components.js';
import { openDashboard, type RunningDashboard } from './dashboard.js';
import { fetchImageFiles } from './device.js';
import { chooseSerials } from './serials.js';

export interface StartOptions {
  readonly state: StateDirectory;
  readonly devices: number;
  readonly ports: CloudPorts;
  readonly allowlistFile: string;
  /** Loads what the deployment needs, while the cloud starts. */
  readonly loadAhead: () => Promise<void>;
  /** Deploys the infrastructure; tells in one sentence what it did. */
  readonly deploy: (target: Target) => Promise<string>;
}

/** The whole system on one machine. */
export interface RunningSystem extends RunningCloud {
  readonly devices: readonly RunningDevice[];
  readonly dashboard: RunningDashboard;
  /** Seconds that each stage took. */
  readonly timings: Readonly<Record<string, number>>;
  /** Stops the devices, then the cloud; no process is left. */
  stop(): Promise<void>;
}

/** Devices that boot at the same time; more only take the cores from each other. */
const BOOTING_AT_ONCE = 4;

/**
 * Starts the local cloud, deploys the infrastructure, prepares provisioning, publishes the components and deploys
 * them to the fleet, and boots the devices, which get them by that; resolves when every LED blinks.
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
    state.clearRunning(process.pid);
  };
  // Whoever waits for a child is told at once, as the child ends.
  signal.addEventListener('abort', () => void stop(), { once: true });
  const timings: Record<string, number> = {};
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const begin = performance.now();
    const result = await work();
    timings[name] = (performance.now() - begin) / 1000;
    return result;
  };
  const building = stage('build', () => buildHere(state, signal, () => undefined));
  building.catch(() => undefined);
  const bringComponents = async (target: Target) => {
    const built = await building;
    const published = await stage('publish', () => publishHere(target, built, signal));
    out.progress(`  ${publishedSentence(published)}`);
    const { revision, changed } = await stage('deploy components', () => deployHere(target, signal));
    out.progress(
      `  deployment revision ${revision.revision} ${changed ? 'made' : 'is in force, no changes'}`,
    );
  };
  const boot = async (target: Target, endpointUrl: string, serials: readonly string[]) => {
    const image = await fetchImageFiles(target, await accountOf(target));
    return stage('devices', () =>
      inParallel(serials, BOOTING_AT_ONCE, async (thing) => {
        signal.throwIfAborted();
        const device = await bootDevice({ thing, state, image, endpointUrl, children, signal });
        out.progress(
          `  ${thing} ${device.provisioned ? 'provisioned itself' : 'was provisioned before'}, its LED blinks`,
        );
        return device;
      }),
    );
  };
  try {
    out.progress('Starting the local cloud');
    // The other processes start meanwhile; should it fail, the deployment will tell.
    options.loadAhead().catch(() => undefined);
    const { cloud, target, endpointUrl, mqttPort, httpsPort } = await stage('local cloud', () =>
      startCloud(state, options.ports, children),
    );
    state.setRunning({ pid: process.pid, endpointUrl, region: target.region, mqttPort, httpsPort });

    out.progress('Deploying the infrastructure');
    out.progress(`  ${await stage('deploy', () => options.deploy(target))}`);

    out.progress('Preparing provisioning');
    const provisioned = await stage('provision', () => provision(target, fleet.allowlist));
    out.progress(
      `  claim certificate ${provisioned.claimCertificateCreated ? 'made' : 'kept'}, ${provisioned.allowed} serial numbers allowed`,
    );
    // Devices of an earlier start, when the infrastructure was destroyed meanwhile.
    const attached = await attachListed(target, fleet.allowlist);
    if (attached > 0) out.progress(`  ${attached} devices attached again to the fleet`);
    if (fleet.madeUp.length > 0) {
      out.progress(
        `  ${fleet.madeUp.length} of them made up, as allowlist.txt has only ${fleet.serials.length - fleet.madeUp.length}; the file itself is as it was`,
      );
    }

    const { changes } = await withDashboardChanges(target, fleet.allowlist);
    const removed = changes.flatMap(({ serial, allowed }) => (allowed ? [] : [serial]));
    const serials = fleet.serials.filter((serial) => !removed.includes(serial));
    for (const serial of fleet.serials.filter((one) => removed.includes(one))) {
      out.progress(
        `  ${serial} was removed on the dashboard; \`mooring fleet allow ${serial}\` lets it in again`,
      );
    }

    const count = serials.length;
    out.progress(
      `Booting ${count} device${count === 1 ? '' : 's'}; publishing and deploying the components, built on this machine's Node.js (base host)`,
    );
    // A device that boots before its deployment is there gets it when it is.
    const [devices, dashboard] = await Promise.all([
      boot(target, endpointUrl, serials),
      stage('dashboard', () => openDashboard(target, state)),
      bringComponents(target),
    ]);
    return { target, endpointUrl, mqttPort, httpsPort, cloud, devices, dashboard, timings, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function publishedSentence(published: readonly PublishedComponent[]): string {
  const changed = published.filter((component) => component.published);
  if (changed.length === 0) return `no changes, ${published.length} components are published`;
  return `published ${changed.map(({ name, version }) => `${name} ${version}`).join(', ')}`;
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
