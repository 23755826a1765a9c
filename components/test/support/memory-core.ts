import { topics } from '@mooring/contracts';
import type { Bus, Message, Payload, Subscription } from '../../runtime/src/bus.js';
import type { Component } from '../../runtime/src/component.js';
import { ComponentError } from '../../runtime/src/errors.js';
import { ManualClock } from './manual-clock.js';

type Handler = (payload: Payload) => void;

/** A core device without sockets, for what components do with their messages. */
export class MemoryCore {
  readonly clock = new ManualClock();
  readonly toCloud: { topic: string; message: Message }[] = [];
  /** Topics of IoT Core that are subscribed to with QoS 0. */
  readonly atMostOnce: string[] = [];
  readonly log: string[] = [];
  readonly problems: string[] = [];
  readonly failures: string[] = [];
  readonly ends: { readonly code: number; readonly line: string }[] = [];
  /** While set, IoT Core is out of reach. */
  offline = false;
  readonly #local = new Set<{ readonly owner: object; readonly topic: string; readonly handler: Handler }>();
  readonly #cloud = new Map<string, { readonly handler: Handler; readonly end: () => void }>();

  get cloudTopics(): string[] {
    return [...this.#cloud.keys()];
  }

  /** Another component of this device; `stop` is what SIGTERM does. */
  component(): Component & { stop(): Promise<void> } {
    const owner = {};
    const undoes: (() => void | Promise<void>)[] = [];
    const stopping = new AbortController();
    return {
      thing: 'SN-1',
      bus: this.#bus(owner),
      clock: this.clock,
      log: {
        info: (line) => void this.log.push(line),
        problem: (line) => void this.problems.push(line),
      },
      env: {},
      stopping: stopping.signal,
      onStop: (undo) => undoes.push(undo),
      end: (code, line) => void this.ends.push({ code, line }),
      fail: (error) => void this.failures.push(error instanceof Error ? error.message : String(error)),
      stop: async () => {
        stopping.abort();
        for (const subscription of this.#local) {
          if (subscription.owner === owner) this.#local.delete(subscription);
        }
        for (const undo of undoes.reverse()) await undo();
      },
    };
  }

  /** The cloud publishes. */
  fromCloud(topic: string, payload: string): void {
    this.#cloud.get(topic)?.handler(new TextEncoder().encode(payload));
  }

  /** The core device ends a subscription to IoT Core. */
  endCloudSubscription(topic: string): void {
    this.#cloud.get(topic)?.end();
    this.#cloud.delete(topic);
  }

  /** Somebody else on the device publishes. */
  fromDevice(payload: string): void {
    this.#deliver({}, topics.localButton(), payload);
  }

  /** What was told to the cloud on a topic, oldest first. */
  told(topic: string): Message[] {
    return this.toCloud.filter((sent) => sent.topic === topic).map(({ message }) => message);
  }

  #bus(owner: object): Bus {
    return {
      lost: new Promise(() => {}),
      close: async () => {},
      configuration: async () => ({}),
      nucleusConfiguration: async () => ({}),
      publishLocal: async (topic, message) => this.#deliver(owner, topic, JSON.stringify(message)),
      subscribeLocal: async (topic, handler): Promise<Subscription> => {
        this.#local.add({ owner, topic, handler });
        return { ended: new Promise(() => {}) };
      },
      publishToCloud: async (topic, message) => {
        if (this.offline) throw new ComponentError('IPC', 'no network');
        this.toCloud.push({ topic, message });
      },
      subscribeToCloud: async (topic, handler, { qos } = { qos: 1 }) => {
        if (this.offline) throw new ComponentError('IPC', 'no network');
        if (qos === 0) this.atMostOnce.push(topic);
        return { ended: new Promise((end) => this.#cloud.set(topic, { handler, end: () => end() })) };
      },
    };
  }

  #deliver(from: object, topic: string, payload: string): void {
    for (const subscription of this.#local) {
      if (subscription.topic === topic && subscription.owner !== from) subscription.handler(payload);
    }
  }
}
