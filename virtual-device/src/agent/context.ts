import type { Clock } from '../clock.js';
import type { EffectiveConfigStore } from '../config/effective-config.js';
import type { DeviceEvent, RestartKind } from '../events.js';
import type { Layout } from '../layout.js';
import type { GreengrassLogs } from '../log/greengrass-log.js';

/** What every part of a running agent is made with. */
export interface AgentContext {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly logs: GreengrassLogs;
  readonly store: EffectiveConfigStore;
  /** Aborted when the device stops. */
  readonly signal: AbortSignal;
  readonly emit: (event: DeviceEvent) => void;
  /** Stops the device in good order, to be started again by whoever runs it. */
  readonly restart: (what: RestartKind, reason: string) => void;
  /** Has something done when the device has stopped, the last registered first. */
  readonly onDispose: (dispose: () => void | Promise<void>) => void;
}
