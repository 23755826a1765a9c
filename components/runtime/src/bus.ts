import type { ComponentError } from './errors.js';

/** A message as it arrived; parse it with the schemas of the contracts. */
export type Payload = Uint8Array | string;

/** A JSON object to publish. */
export type Message = Readonly<Record<string, string | number | boolean>>;

export interface Subscription {
  /** Resolves when the core device ends the subscription; never otherwise. */
  readonly ended: Promise<void>;
}

/**
 * What a component says and hears: the topics of its own device, AWS IoT Core, and its configuration.
 * Each operation rejects with a {@link ComponentError} (`IPC`) when the core device refuses it.
 */
export interface Bus {
  /** The component's configuration: the recipe's defaults merged with what deployments changed. */
  configuration(): Promise<unknown>;
  /** That of the core device's software, the nucleus. */
  nucleusConfiguration(): Promise<unknown>;
  /** Publishes to the components of this device. */
  publishLocal(topic: string, message: Message): Promise<void>;
  /** Subscribes to what other components of this device publish. */
  subscribeLocal(topic: string, onMessage: (payload: Payload) => void): Promise<Subscription>;
  /**
   * Publishes to IoT Core, at least once (QoS 1, the default): without a network the core device keeps it for later.
   * With QoS 0 at most once: without a network it is refused, unless the nucleus is configured to keep it.
   */
  publishToCloud(topic: string, message: Message, options?: { readonly qos: 0 | 1 }): Promise<void>;
  /**
   * Subscribes to a topic of IoT Core: to what comes at least once, and is kept for a while when the device is offline
   * (QoS 1, the default), or at most once and never late (QoS 0).
   */
  subscribeToCloud(
    topic: string,
    onMessage: (payload: Payload) => void,
    options?: { readonly qos: 0 | 1 },
  ): Promise<Subscription>;
  /** Resolves when the connection to the core device is gone. */
  readonly lost: Promise<ComponentError>;
  close(): Promise<void>;
}
