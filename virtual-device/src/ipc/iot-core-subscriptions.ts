/** Components' subscriptions to AWS IoT Core, which share one subscription of the device for each filter. */
import type { IotCoreCapability, IotCoreMessage, IpcLog, Qos } from './capabilities.js';

type Listener = (message: IotCoreMessage) => void;
type End = () => Promise<void>;

export class IotCoreSubscriptions {
  readonly #shared = new Map<string, SharedSubscription>();
  /** Filters whose subscription is being ended; a new one waits, or its end would end the new one. */
  readonly #ending = new Map<string, Promise<void>>();

  constructor(
    private readonly iotCore: IotCoreCapability,
    private readonly log: IpcLog,
  ) {}

  /**
   * @returns ends this listener's part; the last one ends the subscription itself
   * @throws whatever the device's subscription fails with; nothing is left behind
   */
  async subscribe(filter: string, qos: Qos, listener: Listener): Promise<() => void> {
    let shared = this.#shared.get(filter);
    if (shared === undefined) {
      shared = new SharedSubscription(filter, this.iotCore, this.#ending.get(filter) ?? Promise.resolve());
      this.#shared.set(filter, shared);
    }
    const added = shared;
    added.listeners.add(listener);
    const leave = () => {
      if (added.listeners.delete(listener) && added.listeners.size === 0) this.#end(filter, added);
    };
    try {
      await added.raiseTo(qos);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  #end(filter: string, shared: SharedSubscription): void {
    this.#shared.delete(filter);
    const ended = shared
      .end()
      .catch((error: unknown) =>
        this.log('warn', `Ending the subscription to ${filter} failed: ${String(error)}`, { filter }),
      )
      .finally(() => {
        if (this.#ending.get(filter) === ended) this.#ending.delete(filter);
      });
    this.#ending.set(filter, ended);
  }
}

class SharedSubscription {
  readonly listeners = new Set<Listener>();
  readonly #ends: End[] = [];
  #granted: Qos | undefined;
  #wanted: Qos | undefined;
  /** Of several underlying subscriptions only the latest delivers, so that nothing arrives twice. */
  #current = 0;
  #settled: Promise<void>;

  constructor(
    private readonly filter: string,
    private readonly iotCore: IotCoreCapability,
    ready: Promise<void>,
  ) {
    this.#settled = ready;
  }

  /** Resolves once the subscription stands with at least this quality of service. */
  async raiseTo(qos: Qos): Promise<void> {
    if (this.#wanted === undefined || qos > this.#wanted) {
      this.#wanted = qos;
      const attempt = this.#settled.then(() => this.#subscribe(qos));
      this.#settled = attempt.catch(() => {
        // Whoever comes next tries again.
        this.#wanted = this.#granted;
      });
      await attempt;
      return;
    }
    await this.#settled;
    if (this.#granted === undefined || this.#granted < qos) await this.raiseTo(qos);
  }

  async #subscribe(qos: Qos): Promise<void> {
    const generation = this.#ends.length + 1;
    // The first one delivers from the start: retained messages come before the call returns.
    if (generation === 1) this.#current = 1;
    const end = await this.iotCore.subscribe(this.filter, qos, (message) => {
      if (this.#current !== generation) return;
      for (const listener of [...this.listeners]) listener(message);
    });
    this.#ends.push(end);
    this.#current = generation;
    this.#granted = qos;
  }

  async end(): Promise<void> {
    await this.#settled;
    for (const end of this.#ends.splice(0)) await end();
  }
}
