import { DASHBOARD_CLIENT_PREFIX } from '@mooring/contracts';
import { type Signal, signal } from '@preact/signals';
import mqtt, { type MqttClient } from 'mqtt';
import type { Clock } from '../model/clock.js';
import { CloudProblem, sentenceOf } from './problem.js';
import { takes } from './topic-filter.js';

export interface LiveMessage {
  topic: string;
  payload: Uint8Array;
  at: number;
}

type Handler = (message: LiveMessage) => void;

/** Filters that one SUBSCRIBE may have, and a connection (AWS IoT Core quotas). */
const FILTERS_IN_A_PACKET = 8;
const SLOWEST_RETRY = 15_000;

/** The live connection; `lost` since it was there or tried for the first time. */
export type LiveState = 'connecting' | 'connected' | 'lost';

/**
 * MQTT over WebSocket, for as long as the page is open: connects anew when the connection is lost, each time with a
 * freshly signed address, and subscribes again. Session state is the page's, not the broker's.
 */
export class Live {
  readonly state: Signal<LiveState> = signal('connecting');
  /** Why there are no credentials to connect with, where that is why. */
  readonly problem: Signal<string | undefined> = signal(undefined);
  private client: MqttClient | undefined;
  private readonly handlers = new Map<Handler, readonly string[]>();
  private readonly filters = new Map<string, number>();
  private tries = 0;
  /** Counts starts and stops: what began before the last one is of no use any more. */
  private life = 0;
  private calledOff = () => {};

  /** @param address gives the presigned URL. */
  constructor(
    private readonly address: () => Promise<string>,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.life += 1;
    void this.connect();
  }

  /** Ends the connection; {@link start} begins anew, perhaps as somebody else. */
  stop(): void {
    this.life += 1;
    this.calledOff();
    this.client?.end(true);
    this.client = undefined;
    this.tries = 0;
    this.state.value = 'connecting';
  }

  /**
   * Hands over every message of the topics that `filters` take.
   *
   * @returns the function that ends it.
   */
  subscribe(filters: readonly string[], handler: Handler): () => void {
    const added = filters.filter((filter) => !this.filters.has(filter));
    for (const filter of filters) this.filters.set(filter, (this.filters.get(filter) ?? 0) + 1);
    this.handlers.set(handler, filters);
    if (this.client?.connected) this.ask(this.client, added);
    return () => {
      if (!this.handlers.delete(handler)) return;
      const ended: string[] = [];
      for (const filter of filters) {
        const left = (this.filters.get(filter) ?? 1) - 1;
        if (left > 0) this.filters.set(filter, left);
        else {
          this.filters.delete(filter);
          ended.push(filter);
        }
      }
      if (ended.length > 0 && this.client?.connected) this.client.unsubscribe(ended);
    };
  }

  /**
   * Publishes with QoS 1.
   *
   * @throws CloudProblem when there is no connection, or the cloud refuses it.
   */
  async publish(topic: string, message: object): Promise<void> {
    const client = this.client;
    if (!client?.connected) throw new CloudProblem('NotConnected', 'there is no connection to the cloud');
    await new Promise<void>((resolve, reject) => {
      const lost = () =>
        reject(
          new CloudProblem(
            'Forbidden',
            'it ended the connection, which it does when one may not publish',
            403,
          ),
        );
      client.once('close', lost);
      client.publish(topic, JSON.stringify(message), { qos: 1 }, (error) => {
        client.off('close', lost);
        if (!error) return resolve();
        const refused = 'code' in error && error.code === NOT_AUTHORIZED;
        reject(
          refused
            ? new CloudProblem('Forbidden', 'you may not send this to devices', 403)
            : new CloudProblem('NotPublished', error.message),
        );
      });
    });
  }

  private async connect(): Promise<void> {
    const life = this.life;
    let problem: string | undefined;
    const url = await this.address().catch((error: unknown) => {
      if (!(error instanceof CloudProblem && error.code === 'Unreachable')) problem = sentenceOf(error);
    });
    if (life !== this.life) return;
    this.problem.value = problem;
    if (url === undefined) return this.lost(undefined);
    const client = mqtt.connect(url, {
      clientId: `${DASHBOARD_CLIENT_PREFIX}${crypto.randomUUID().slice(0, 13)}`,
      protocolVersion: 5,
      clean: true,
      keepalive: 60,
      connectTimeout: 10_000,
      // Every connection needs an address of its own.
      reconnectPeriod: 0,
      resubscribe: false,
      // The other kind needs a worker made of text, which the content security policy forbids.
      timerVariant: 'native',
    });
    this.client = client;
    client.on('connect', () => {
      this.tries = 0;
      this.ask(client, [...this.filters.keys()]);
      this.state.value = 'connected';
    });
    client.on('message', (topic, payload) => {
      const message = { topic, payload, at: this.clock.now() };
      for (const [handler, filters] of [...this.handlers]) {
        if (filters.some((filter) => takes(filter, topic))) handler(message);
      }
    });
    client.on('error', () => client.end(true));
    client.on('close', () => this.lost(client));
  }

  private lost(client: MqttClient | undefined): void {
    if (client !== this.client) return;
    this.client = undefined;
    client?.end(true);
    this.state.value = 'lost';
    const slowest = Math.min(SLOWEST_RETRY, 500 * 2 ** this.tries);
    this.tries += 1;
    // Pages that lost the same cloud do not come back in step.
    this.calledOff = this.clock.after(slowest * (0.5 + Math.random() / 2), () => void this.connect());
  }

  private ask(client: MqttClient, filters: readonly string[]): void {
    for (let start = 0; start < filters.length; start += FILTERS_IN_A_PACKET) {
      client.subscribe(filters.slice(start, start + FILTERS_IN_A_PACKET), { qos: 0 });
    }
  }
}

/** Reason code of MQTT 5. */
const NOT_AUTHORIZED = 0x87;
