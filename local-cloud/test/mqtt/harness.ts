import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { type Clock, systemClock } from '../../src/clock.js';
import {
  type Authorizer,
  type Broker,
  type BrokerLimits,
  createBroker,
  type LogLevel,
} from '../../src/mqtt/index.js';
import { openStore } from '../../src/store/store.js';
import { atEnd } from '../support/at-end.js';

/** What the tests' acceptor knows of a peer. */
export interface Peer {
  readonly port: number;
}

export interface Running {
  readonly broker: Broker<Peer>;
  readonly port: number;
  readonly directory: string;
  readonly logged: { level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }[];
  /**
   * Connects MQTT.js; MQTT 3.1.1 unless told otherwise. `prepare` sees the client before it connects, so that it
   * misses nothing of what a resumed session sends at once.
   */
  connect(options?: IClientOptions, prepare?: (client: MqttClient) => void): Promise<MqttClient>;
  close(): Promise<void>;
}

export const allowAll: Authorizer<Peer> = {
  connect: () => ({ allowed: true }),
  publish: () => true,
  subscribe: () => true,
  receive: () => true,
};

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mqtt-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface StartOptions {
  directory?: string;
  clock?: Clock;
  limits?: Partial<BrokerLimits>;
  authorizer?: Partial<Authorizer<Peer>>;
}

/** A broker that listens on a free port of the loopback; stopped after the test. */
export async function start(options: StartOptions = {}): Promise<Running> {
  const { clock = systemClock, limits, authorizer } = options;
  const directory = options.directory ?? temporaryDirectory();
  const store = openStore(directory);
  const logged: Running['logged'] = [];
  const broker = createBroker<Peer>({
    store,
    clock,
    limits,
    authorizer: { ...allowAll, ...authorizer },
    log: (level, message, fields) => logged.push({ level, message, fields }),
  });
  const server = createServer({ noDelay: true }, (socket) =>
    broker.accept(socket, { port: socket.remotePort ?? 0 }),
  );
  const port = await listen(server);
  const clients: MqttClient[] = [];
  let closed: Promise<void> | undefined;
  const stop = async () => {
    for (const client of clients) client.end(true);
    await broker.close();
    await new Promise((resolve) => server.close(resolve));
    await store.close();
  };
  const close = () => {
    closed ??= stop();
    return closed;
  };
  atEnd(close);
  const connect = async (connectOptions: IClientOptions = {}, prepare?: (client: MqttClient) => void) => {
    const client = mqtt.connect({
      host: '127.0.0.1',
      port,
      reconnectPeriod: 0,
      keepalive: 0,
      ...connectOptions,
    });
    clients.push(client);
    client.on('error', () => {});
    prepare?.(client);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('The connection was closed')));
    });
    return client;
  };
  return { broker, port, directory, logged, connect, close };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

export interface Received {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  dup: boolean;
  properties: Record<string, unknown>;
}

/** Collects what a client receives from now on; `until(n)` resolves when it has that many. */
export function collect(client: MqttClient) {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  client.on('message', (topic, payload, packet) => {
    const { qos, retain, dup } = packet;
    received.push({
      topic,
      payload: payload.toString(),
      qos,
      retain,
      dup,
      properties: { ...packet.properties },
    });
    for (const waiter of waiting) if (received.length >= waiter.count) waiter.resolve();
  });
  return {
    received,
    until: (count: number) =>
      new Promise<Received[]>((resolve) => {
        const done = () => resolve(received);
        if (received.length >= count) done();
        else waiting.push({ count, resolve: done });
      }),
  };
}

/** Resolves with the event's first argument. */
export function once(client: MqttClient, event: 'close' | 'disconnect' | 'error'): Promise<unknown> {
  return new Promise((resolve) => client.once(event, resolve));
}

/**
 * Resolves when what the broker sent this client before has arrived: a message to itself comes behind all that.
 */
export async function settle(client: MqttClient): Promise<void> {
  const topic = `settle/${Math.random().toString(36).slice(2)}`;
  await client.subscribeAsync(topic, { qos: 1 });
  const arrived = new Promise<void>((resolve) => {
    const listener = (received: string) => {
      if (received !== topic) return;
      client.off('message', listener);
      resolve();
    };
    client.on('message', listener);
  });
  await client.publishAsync(topic, 'x', { qos: 1 });
  await arrived;
  await client.unsubscribeAsync(topic);
}

export type { Socket };
