import { existsSync, readFileSync } from 'node:fs';
import type { Clock, Timer } from '../clock.js';
import type { Supervisor } from '../component/supervisor.js';
import type { EffectiveConfig, EffectiveConfigStore } from '../config/effective-config.js';
import { NUCLEUS } from '../config/init-config.js';
import type { DeploymentJournal, Report } from '../deployment/journal.js';
import { writeFileDurably } from '../durable-file.js';
import { messageOf } from '../errors.js';
import type { LifecycleState } from '../ipc/capabilities.js';
import type { Log } from '../log/device-log.js';
import { currentPlatform } from '../recipe/platform.js';
import {
  type ComponentHealth,
  chunkHealthMessage,
  type DeploymentInformation,
  type Trigger,
} from './health-message.js';

export interface FleetStatusOptions {
  readonly thingName: string;
  readonly nucleusVersion: string;
  readonly supervisor: Supervisor;
  readonly store: EffectiveConfigStore;
  readonly publish: (topic: string, payload: Uint8Array) => Promise<void>;
  readonly isConnected: () => boolean;
  /** Keeps what is to be told of deployments until it is told, over restarts too. */
  readonly journal: DeploymentJournal;
  /** Keeps the sequence number, which must go on growing over restarts. */
  readonly sequenceFile: string;
  readonly intervalSeconds: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** States that are worth a message of their own. */
const REPORTED: readonly LifecycleState[] = ['RUNNING', 'FINISHED', 'ERRORED', 'BROKEN'];
/** Changes within this many milliseconds go into one message. */
const GATHER = 1_000;

const TRIGGERS = {
  IOT_JOBS: 'THING_GROUP_DEPLOYMENT',
  SHADOW: 'THING_DEPLOYMENT',
  LOCAL: 'LOCAL_DEPLOYMENT',
} as const;

/** Tells the cloud how the device and its components are, as the nucleus's fleet status service does. */
export class FleetStatus {
  readonly #changed = new Set<string>();
  #gathering: Timer | undefined;
  #cadence: Timer | undefined;
  #off = () => {};
  #launched = false;
  #deploying = false;
  #started = false;
  #connectedBefore = false;
  #closed = false;
  /** Reports whose messages are on their way. */
  readonly #telling = new Set<string>();
  #sequence: number | undefined;

  constructor(private readonly options: FleetStatusOptions) {}

  /** Begins: a COMPLETE message once all components have come to rest, and from then on by cadence. */
  start(signal: AbortSignal): void {
    const { supervisor } = this.options;
    this.#started = true;
    this.#off = supervisor.onChange(({ component, to }) => {
      if (REPORTED.includes(to)) this.#note(component);
    });
    supervisor
      .settled(
        supervisor.list().map(({ name }) => name),
        signal,
      )
      .then(() => {
        this.#launched = true;
        this.#send('COMPLETE', 'NUCLEUS_LAUNCH');
        this.#planCadence();
      })
      .catch(() => {}); // The device was stopped before its components came to rest.
  }

  /** The connection stands: what deployments did while it did not is told now. */
  connected(): void {
    if (this.#connectedBefore && this.#launched) this.#send('PARTIAL', 'RECONNECT', [...this.#changed]);
    this.#connectedBefore = true;
    this.#tellDeployments();
  }

  /** A deployment changes many states: one message at its end tells them all. */
  deploymentStarted(): void {
    this.#deploying = true;
  }

  /** A deployment is over, and in the journal. */
  deploymentEnded(): void {
    this.#deploying = false;
    this.#tellDeployments();
  }

  #tellDeployments(): void {
    const { journal, isConnected, log } = this.options;
    if (this.#closed || !this.#started || !isConnected()) return;
    for (const report of journal.reports.filter(({ owed }) => owed.includes('fleet-status'))) {
      if (this.#telling.has(report.key)) continue;
      this.#telling.add(report.key);
      this.#tell(report)
        .then(() => journal.settle(report.key, 'fleet-status'))
        .catch((error: unknown) => log('warn', `A fleet status message waits: ${messageOf(error)}`))
        .finally(() => this.#telling.delete(report.key));
    }
  }

  #tell(report: Report): Promise<void> {
    const { outcome } = report;
    const removed: ComponentHealth[] = report.removed.map((componentName) => ({
      componentName,
      version: '',
      fleetConfigArns: [],
      componentStatusDetails: { statusCodes: ['NONE'], statusReason: '' },
      isRoot: false,
      status: 'UNINSTALLED',
    }));
    const names = new Set([...this.#changed, ...report.touched]);
    return this.#send('PARTIAL', TRIGGERS[report.source], [...names], {
      removed,
      information: {
        status: outcome.status,
        statusDetails: {
          detailedStatus: outcome.detailedStatus ?? outcome.status,
          ...(outcome.failure && {
            failureCause: outcome.failure.cause,
            errorStack: outcome.failure.stack,
            errorTypes: outcome.failure.types,
          }),
        },
        fleetConfigurationArnForStatus: report.configurationArn,
        deploymentId: report.deploymentId,
        unchangedRootComponents: report.unchangedRoots,
      },
    });
  }

  close(): void {
    this.#closed = true;
    this.#off();
    this.#gathering?.cancel();
    this.#cadence?.cancel();
  }

  #note(component: string): void {
    this.#changed.add(component);
    if (!this.#launched || this.#deploying || this.#gathering) return;
    this.#gathering = this.options.clock.after(GATHER, () => {
      this.#gathering = undefined;
      if (!this.#deploying) this.#send('PARTIAL', 'COMPONENT_STATUS_CHANGE', [...this.#changed]);
    });
  }

  #planCadence(): void {
    if (this.#closed) return;
    this.#cadence = this.options.clock.after(this.options.intervalSeconds * 1000, () => {
      this.#send('COMPLETE', 'CADENCE');
      this.#planCadence();
    });
  }

  #send(
    messageType: 'COMPLETE' | 'PARTIAL',
    trigger: Trigger,
    names?: readonly string[],
    deployment?: { removed: readonly ComponentHealth[]; information: DeploymentInformation },
  ): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { supervisor, thingName, nucleusVersion, clock, log } = this.options;
    const all = supervisor.list();
    const told = names === undefined ? all : all.filter(({ name }) => names.includes(name));
    const unhealthy = all.some(({ name }) => supervisor.component(name)?.state === 'BROKEN');
    const platform = currentPlatform();
    const payloads = chunkHealthMessage({
      ggcVersion: nucleusVersion,
      platform: platform.os ?? 'linux',
      architecture: platform.architecture ?? '',
      thing: thingName,
      overallDeviceStatus: unhealthy ? 'UNHEALTHY' : 'HEALTHY',
      sequenceNumber: this.#nextSequenceNumber(),
      timestamp: clock.now(),
      messageType,
      trigger,
      components: [
        ...(names === undefined ? [this.#nucleus()] : []),
        ...told.map(({ name }) => this.#health(name)),
        ...(deployment?.removed ?? []),
      ],
      ...(deployment && { deploymentInformation: deployment.information }),
    });
    this.#changed.clear();
    const topic = `$aws/things/${thingName}/greengrassv2/health/json`;
    const published = Promise.all(
      payloads.map((payload) => this.options.publish(topic, Buffer.from(payload))),
    );
    const done = published.then(() => {});
    done.catch((error: unknown) => log('warn', `A fleet status message is not sent: ${messageOf(error)}`));
    return done;
  }

  #nucleus(): ComponentHealth {
    return {
      componentName: NUCLEUS,
      version: this.options.nucleusVersion,
      fleetConfigArns: configurationsOf(NUCLEUS, this.options.store.current),
      componentStatusDetails: { statusCodes: ['NONE'], statusReason: '' },
      isRoot: isRoot(NUCLEUS, this.options.store.current),
      status: 'RUNNING',
    };
  }

  #health(name: string): ComponentHealth {
    const component = this.options.supervisor.component(name);
    const { current } = this.options.store;
    return {
      componentName: name,
      version: component?.version ?? '',
      fleetConfigArns: configurationsOf(name, current),
      componentStatusDetails: {
        statusCodes: [component?.statusCode ?? 'NONE'],
        statusReason: component?.statusReason ?? '',
      },
      isRoot: isRoot(name, current),
      status: component?.state ?? 'UNINSTALLED',
    };
  }

  #nextSequenceNumber(): number {
    const { sequenceFile, log } = this.options;
    this.#sequence = (this.#sequence ?? readSequenceNumber(sequenceFile)) + 1;
    try {
      writeFileDurably(sequenceFile, `${this.#sequence}\n`);
    } catch (error) {
      // A full disk: the message is worth more than its number after a restart.
      log('warn', `The sequence number of fleet status messages cannot be kept: ${messageOf(error)}`);
    }
    return this.#sequence;
  }
}

/** The configurations, that is deployments, by which a component is on the device: as a root or for one. */
export function configurationsOf(
  component: string,
  { groups, components }: Pick<EffectiveConfig, 'groups' | 'components'>,
): string[] {
  const arns = new Set<string>();
  for (const members of Object.values(groups)) {
    for (const [root, { groupConfigArn }] of Object.entries(members)) {
      if (groupConfigArn !== undefined && closureOf(root, components).has(component))
        arns.add(groupConfigArn);
    }
  }
  return [...arns];
}

function isRoot(component: string, { groups }: Pick<EffectiveConfig, 'groups'>): boolean {
  return Object.values(groups).some((members) => Object.hasOwn(members, component));
}

/** A component and all that it needs. */
function closureOf(root: string, components: EffectiveConfig['components']): Set<string> {
  const closure = new Set<string>();
  const waiting = [root];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (closure.has(name)) continue;
    closure.add(name);
    const record = Object.hasOwn(components, name) ? components[name] : undefined;
    waiting.push(...(record?.dependencies ?? []).map((dependency) => dependency.replace(/:[^:]*$/, '')));
  }
  return closure;
}

function readSequenceNumber(path: string): number {
  const last = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : 0;
  return Number.isSafeInteger(last) ? last : 0;
}
