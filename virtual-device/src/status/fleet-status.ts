import { existsSync, readFileSync } from 'node:fs';
import type { Clock, Timer } from '../clock.js';
import type { Supervisor } from '../component/supervisor.js';
import type { EffectiveConfigStore } from '../config/effective-config.js';
import { NUCLEUS } from '../config/init-config.js';
import { writeFileDurably } from '../durable-file.js';
import { messageOf } from '../errors.js';
import type { LifecycleState, LocalDeployment } from '../ipc/capabilities.js';
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

/** Tells the cloud how the device and its components are, as the nucleus's fleet status service does. */
export class FleetStatus {
  readonly #changed = new Set<string>();
  #removed: ComponentHealth[] = [];
  #gathering: Timer | undefined;
  #cadence: Timer | undefined;
  #off = () => {};
  #launched = false;
  #deploying = false;
  #closed = false;
  #sequence: number | undefined;

  constructor(private readonly options: FleetStatusOptions) {}

  /** Begins: a COMPLETE message once all components have come to rest, and from then on by cadence. */
  start(signal: AbortSignal): void {
    const { supervisor } = this.options;
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

  /** The connection stands again after it was lost. */
  reconnected(): void {
    if (this.#launched) this.#send('PARTIAL', 'RECONNECT', []);
  }

  /** A deployment changes many states: one message at its end tells them all. */
  deploymentStarted(): void {
    this.#deploying = true;
  }

  deploymentEnded(deployment: LocalDeployment, removed: readonly string[]): void {
    this.#deploying = false;
    this.#removed = removed.map((componentName) => ({
      componentName,
      version: '',
      fleetConfigArns: [],
      componentStatusDetails: { statusCodes: ['NONE'], statusReason: '' },
      isRoot: false,
      status: 'UNINSTALLED',
    }));
    const details = deployment.deploymentStatusDetails;
    this.#send('PARTIAL', 'LOCAL_DEPLOYMENT', [...this.#changed], {
      status: deployment.status,
      statusDetails: {
        detailedStatus: details?.detailedDeploymentStatus ?? deployment.status,
        ...(details?.deploymentFailureCause && { failureCause: details.deploymentFailureCause }),
      },
      fleetConfigurationArnForStatus: '',
      deploymentId: deployment.deploymentId,
      unchangedRootComponents: [],
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
    deploymentInformation?: DeploymentInformation,
  ): void {
    if (this.#closed) return;
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
        ...this.#removed,
      ],
      ...(deploymentInformation && { deploymentInformation }),
    });
    this.#changed.clear();
    this.#removed = [];
    for (const payload of payloads) {
      this.options
        .publish(`$aws/things/${thingName}/greengrassv2/health/json`, Buffer.from(payload))
        .catch((error) => {
          log('warn', `A fleet status message is lost: ${messageOf(error)}`);
        });
    }
  }

  #nucleus(): ComponentHealth {
    return {
      componentName: NUCLEUS,
      version: this.options.nucleusVersion,
      fleetConfigArns: [],
      componentStatusDetails: { statusCodes: ['NONE'], statusReason: '' },
      isRoot: false,
      status: 'RUNNING',
    };
  }

  #health(name: string): ComponentHealth {
    const component = this.options.supervisor.component(name);
    const { groups } = this.options.store.current;
    return {
      componentName: name,
      version: component?.version ?? '',
      fleetConfigArns: [],
      componentStatusDetails: {
        statusCodes: [component?.statusCode ?? 'NONE'],
        statusReason: component?.statusReason ?? '',
      },
      isRoot: Object.values(groups).some((members) => Object.hasOwn(members, name)),
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

function readSequenceNumber(path: string): number {
  const last = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : 0;
  return Number.isSafeInteger(last) ? last : 0;
}
