import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../clock.js';
import type { Changes } from '../changes.js';
import type { ThingRecord } from '../tables.js';

export type ThingOperation = 'created' | 'updated' | 'deleted';

/** Tells what becomes of things, on `$aws/events/thing`. */
export interface RegistryEvents {
  /** Called inside of a transaction; the event is published when what it tells is kept. */
  thing(operation: ThingOperation, record: ThingRecord): void;
}

/** What the events need of the account. */
export interface RegistryEventsNeeds {
  readonly changes: Changes;
  readonly clock: Clock;
  readonly accountId: string;
  /** Whether the account has enabled events of this kind. */
  readonly isEnabled: (kind: 'THING') => boolean;
  readonly publish: (topic: string, event: object) => void;
}

/** Registry events of things (AWS IoT developer guide, "Registry events"); those of other kinds are not built. */
export function registryEvents({
  changes,
  clock,
  accountId,
  isEnabled,
  publish,
}: RegistryEventsNeeds): RegistryEvents {
  return {
    thing(operation, { thingName, thingId, thingTypeName, version, attributes }) {
      if (!isEnabled('THING')) return;
      const event = {
        eventType: 'THING_EVENT',
        eventId: randomUUID(),
        timestamp: clock.now(),
        operation: operation.toUpperCase(),
        accountId,
        thingId,
        thingName,
        versionNumber: version,
        thingTypeName: thingTypeName ?? null,
        attributes,
      };
      changes.afterwards(() => publish(`$aws/events/thing/${thingName}/${operation}`, event));
    },
  };
}
