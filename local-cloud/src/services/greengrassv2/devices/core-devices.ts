import { key, type Store } from '../../../store/store.js';
import type { Tags } from '../../../tags.js';
import type { FleetStatus } from './fleet-status.js';

/** What a core device told of itself last. Times are milliseconds since 1970. */
export interface CoreDevice {
  readonly thingName: string;
  readonly coreVersion: string;
  readonly platform: string;
  readonly architecture: string;
  readonly runtime: string | undefined;
  readonly status: 'HEALTHY' | 'UNHEALTHY';
  readonly sequenceNumber: number;
  readonly updated: number;
  /** When the complete message that is being put together was sent; its chunks have the same. */
  readonly completeSince: number | undefined;
}

export interface InstalledComponent {
  readonly componentName: string;
  readonly version: string;
  readonly status: string;
  readonly statusReason: string | undefined;
  readonly statusCodes: readonly string[];
  readonly isRoot: boolean;
  /** When the status became what it is. */
  readonly changed: number;
  readonly reported: number;
  readonly fleetConfigArns: readonly string[];
}

/** The core devices and their components, as fleet status messages tell of them. */
export class CoreDevices {
  readonly #devices;
  readonly #components;
  readonly #tags;

  constructor(private readonly store: Store) {
    this.#devices = store.table<CoreDevice>('greengrass.coreDevices');
    this.#components = store.table<InstalledComponent>('greengrass.installedComponents');
    this.#tags = store.table<Tags>('greengrass.coreDeviceTags');
  }

  get(thingName: string): CoreDevice | undefined {
    return this.#devices.get(thingName);
  }

  *list(): Generator<CoreDevice> {
    for (const [, device] of this.#devices.entries()) yield device;
  }

  *components(thingName: string): Generator<InstalledComponent> {
    for (const [, component] of this.#components.entries({ prefix: key(thingName, '') })) yield component;
  }

  tags(thingName: string): Tags {
    return this.#tags.get(thingName) ?? {};
  }

  setTags(thingName: string, tags: Tags): void {
    this.#tags.put(thingName, tags);
  }

  /** Takes in what a device says of itself; returns false for what is older than what is known, which is left out. */
  report(thingName: string, message: FleetStatus): boolean {
    return this.store.transaction(() => {
      const before = this.#devices.get(thingName);
      if (before && message.timestamp < before.updated) return false;
      const complete = message.messageType === 'COMPLETE';
      this.#devices.put(thingName, {
        thingName,
        coreVersion: message.ggcVersion,
        platform: message.platform,
        architecture: message.architecture,
        runtime: message.runtime,
        status: message.overallDeviceStatus,
        sequenceNumber: message.sequenceNumber,
        updated: message.timestamp,
        completeSince: complete ? message.timestamp : before?.completeSince,
      });
      for (const component of message.components) this.#component(thingName, component, message.timestamp);
      const { chunkId = 1, totalChunks = 1 } = message.chunkInfo ?? {};
      // With its last chunk a complete message has named everything that there is.
      if (complete && chunkId >= totalChunks) this.#dropUnreported(thingName, message.timestamp);
      return true;
    });
  }

  /** Returns whether there was such a device. */
  delete(thingName: string): boolean {
    return this.store.transaction(() => {
      for (const { componentName } of [...this.components(thingName)]) {
        this.#components.delete(key(thingName, componentName));
      }
      this.#tags.delete(thingName);
      return this.#devices.delete(thingName);
    });
  }

  #component(thingName: string, told: FleetStatus['components'][number], at: number): void {
    const name = key(thingName, told.componentName);
    if (told.status === 'UNINSTALLED') {
      this.#components.delete(name);
      return;
    }
    const before = this.#components.get(name);
    const same = before?.status === told.status && before.version === told.version;
    this.#components.put(name, {
      componentName: told.componentName,
      version: told.version ?? '',
      status: told.status,
      statusReason: told.componentStatusDetails?.statusReason ?? undefined,
      statusCodes: told.componentStatusDetails?.statusCodes ?? [],
      isRoot: told.isRoot,
      changed: same ? before.changed : at,
      reported: at,
      fleetConfigArns: told.fleetConfigArns ?? [],
    });
  }

  #dropUnreported(thingName: string, since: number): void {
    for (const { componentName, reported } of [...this.components(thingName)]) {
      if (reported < since) this.#components.delete(key(thingName, componentName));
    }
  }
}
