import type { Clock } from './clock.js';
import type { PathHandler } from './http/front.js';
import type { Log } from './log.js';
import type { ResourceType } from './resource-type.js';
import type { Service } from './service.js';
import type { Store } from './store/store.js';

/** What every service may use: nothing of another service. */
export interface Base {
  readonly store: Store;
  /** Where services keep files; each in a directory named after it. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Twelve digits. */
  readonly accountId: string;
  readonly region: string;
  readonly log: Log;
}

/** What a service adds to the local cloud. */
export interface Plugin {
  /** AWS APIs, found by the SigV4 scope of a request. */
  readonly services: readonly Service[];
  /** Paths of the HTTP front that are no AWS API of their own. */
  readonly paths?: readonly PathHandler[];
  /** What Cloud Control can manage. */
  readonly resourceTypes?: readonly ResourceType[];
  /** Ends what the plugin runs: processes, timers, connections. */
  close?(): Promise<void>;
}
