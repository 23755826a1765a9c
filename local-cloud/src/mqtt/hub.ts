import type { Clock } from '../clock.js';
import type {
  Authorizer,
  BrokerEvents,
  BrokerOptions,
  Client,
  DisconnectReason,
  InboundPublish,
} from './contract.js';
import type { BrokerLimits } from './limits.js';
import type { Publication } from './publication.js';
import type { RetainedStore } from './retained-store.js';
import type { Sessions } from './sessions.js';
import type { TimerWheel } from './timer-wheel.js';

/** Takes messages to reserved topics. */
export interface Interceptor<P> {
  readonly prefix: string;
  readonly deliver: boolean;
  handler(publish: InboundPublish<P>): void | Promise<void>;
}

/** A client's connection as the broker sees it. */
export interface HubConnection<P> {
  readonly client: Client<P>;
  readonly close: (reason: DisconnectReason, options?: { preventWill?: boolean }) => void;
}

/** What a connection needs of the broker. */
export interface Hub<P> {
  readonly limits: BrokerLimits;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly authorizer: Authorizer<P>;
  readonly sessions: Sessions;
  readonly retained: RetainedStore;
  readonly log: BrokerOptions<P>['log'];
  emit<E extends keyof BrokerEvents<P>>(event: E, payload: BrokerEvents<P>[E]): void;
  /** Makes this the connection of its client id; the former one is disconnected. */
  enter(connection: HubConnection<P>): void;
  /** Forgets its connection, if that is still the one of its client id. */
  leave(client: Client<P>): void;
  interceptor(topic: string): Interceptor<P> | undefined;
  /**
   * Retains, observes and routes a message, or hands it to `interceptor`. Returns what resolves when it is kept;
   * undefined when nothing is to be kept. `by` is the peer of who published without being a client.
   */
  dispatch(
    publication: Publication,
    client: Client<P> | undefined,
    interceptor?: Interceptor<P>,
    by?: P,
  ): Promise<void> | undefined;
}
