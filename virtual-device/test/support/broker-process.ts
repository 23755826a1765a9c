import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { type Authority, makeAuthority, type Pair } from './authority.js';

export interface BrokerEvent {
  readonly event: 'listening' | 'connect' | 'disconnect' | 'subscribe' | 'publish';
  readonly port?: number;
  readonly clientId?: string;
  readonly certificate?: string;
  readonly filter?: string;
  readonly topic?: string;
  readonly payload?: string;
  readonly qos?: number;
  readonly properties?: Record<string, unknown>;
}

/** An MQTT broker in a process of its own that a test kills and starts again on the same port. */
export class BrokerProcess {
  /** All it ever said, over its restarts. */
  readonly events: BrokerEvent[] = [];
  #child: ChildProcess | undefined;
  #waiting: (() => void)[] = [];
  port = 0;

  private constructor(
    readonly authority: Authority,
    private readonly pair: Pair,
  ) {}

  static async start(): Promise<BrokerProcess> {
    const authority = await makeAuthority();
    const broker = new BrokerProcess(authority, await authority.server());
    onTestFinished(() => broker.kill());
    await broker.launch();
    return broker;
  }

  async launch(): Promise<void> {
    const tls = {
      ca: this.authority.certificate,
      cert: this.pair.certificate,
      key: this.pair.privateKey,
    };
    const from = this.events.length;
    const script = join(import.meta.dirname, 'broker-process.mjs');
    const child = spawn(process.execPath, [script, JSON.stringify({ tls, port: this.port })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin?.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line) as BrokerEvent);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.#child = child;
    this.port = (await this.heard(({ event }) => event === 'listening', from)).port ?? 0;
  }

  /** Kills it; resolves when all it said is heard. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  send(topic: string, payload: string): void {
    this.#child?.stdin?.write(`${JSON.stringify({ topic, payload })}\n`);
  }

  /** Resolves with the first event, past or future, from `from` on that fits. */
  async heard(fits: (event: BrokerEvent) => boolean, from = 0): Promise<BrokerEvent> {
    for (;;) {
      const found = this.events.slice(from).find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The payloads that arrived, without repetitions, in the order of their first arrival. */
  payloads(): string[] {
    return [
      ...new Set(this.events.flatMap(({ event, payload }) => (event === 'publish' ? [payload ?? ''] : []))),
    ];
  }
}
