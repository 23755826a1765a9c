import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IPublishPacket } from 'mqtt';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type ConnectionOptions, DeviceConnection } from '../../src/mqtt/connection.js';
import type { Pair } from '../support/authority.js';
import { BrokerProcess } from '../support/broker-process.js';
import { HastyClock, temporaryFolder } from '../support/fixtures.js';

const SPOOL_BYTES = 2_621_440;

let broker: BrokerProcess;
let folder: string;
let files: { rootCaPath: string; certificatePath: string; privateKeyPath: string };

beforeEach(async () => {
  broker = await BrokerProcess.start();
  folder = temporaryFolder();
  files = {
    rootCaPath: join(folder, 'ca.pem'),
    certificatePath: join(folder, 'cert.pem'),
    privateKeyPath: join(folder, 'key.pem'),
  };
  writeFileSync(files.rootCaPath, broker.authority.certificate);
  putCertificate(await broker.authority.client('T'));
});

function putCertificate(pair: Pair): string {
  writeFileSync(files.certificatePath, pair.certificate);
  writeFileSync(files.privateKeyPath, pair.privateKey);
  return new X509Certificate(pair.certificate).fingerprint256;
}

function connect(overrides: Partial<ConnectionOptions> = {}) {
  const lines: string[] = [];
  const connection = new DeviceConnection({
    endpoint: { host: '127.0.0.1', port: broker.port },
    thingName: 'T',
    ...files,
    version: 'mqtt5',
    keepAliveSeconds: 60,
    sessionExpirySeconds: 604_800,
    receiveMaximum: 100,
    spoolBytes: SPOOL_BYTES,
    clock: new HastyClock((delay) => delay < 100_000),
    log: (level, message) => lines.push(`${level} ${message}`),
    ...overrides,
  });
  onTestFinished(() => connection.close());
  connection.start();
  return { connection, lines };
}

const text = (value: string) => new TextEncoder().encode(value);
const connected = (clientId: string, from = 0) =>
  broker.heard((event) => event.event === 'connect' && event.clientId === clientId, from);
const subscribed = (filter: string, from = 0) =>
  broker.heard((event) => event.event === 'subscribe' && event.filter === filter, from);
const arrived = (payload: string, from = 0) =>
  broker.heard((event) => event.event === 'publish' && event.payload === payload, from);

describe.each(['mqtt5', 'mqtt3'] as const)('a broker that is killed again and again (%s)', (version) => {
  it('gets every QoS 1 message, in order, and is heard again', async () => {
    const { connection } = connect({ version });
    const received: string[] = [];
    let told = () => {};
    await connection.subscribe('down/#', 1, ({ payload }: IPublishPacket) => {
      received.push(payload.toString());
      told();
    });
    const expected: string[] = [];
    let kills = 0;
    for (let index = 0; index < 400; index++) {
      expected.push(`m${index}`);
      await connection.publish(`up/${index % 7}`, text(`m${index}`), { qos: 1 });
      if (index % 100 !== 50) continue;
      // In the middle of what is on its way.
      await arrived(`m${Math.max(0, index - 20)}`);
      await broker.kill();
      if (++kills % 2 === 0) expected.push('offline');
      if (kills % 2 === 0) await connection.publish('up/x', text('offline'), { qos: 1 });
      const from = broker.events.length;
      await broker.launch();
      await subscribed('down/#', from);
      const next = new Promise<void>((resolve) => {
        told = resolve;
      });
      broker.send('down/a', `after ${kills}`);
      await next;
    }
    await arrived('m399');
    expect(broker.payloads()).toEqual([...new Set(expected)]);
    expect(received).toEqual(['after 1', 'after 2', 'after 3', 'after 4']);
  });
});

describe('a spool on disk', () => {
  it('brings what was queued offline over a restart of the agent, with its properties', async () => {
    const spoolFile = join(folder, 'spool', 'journal');
    await broker.kill();
    const first = connect({ spoolFile });
    for (let index = 0; index < 50; index++) {
      await first.connection.publish('t', text(`m${index}`), {
        qos: 1,
        properties: {
          userProperties: { k: ['1', '2'] },
          contentType: 'text/plain',
          responseTopic: 'r',
          correlationData: Buffer.of(0, 255),
          payloadFormatIndicator: true,
          messageExpiryInterval: 3600,
        },
      });
    }
    await first.connection.close();
    const second = connect({ spoolFile });
    await second.connection.publish('t', text('last'), { qos: 1 });
    await broker.launch();
    const last = await arrived('last');
    expect(last.properties).toBeUndefined();
    expect(broker.payloads()).toEqual([...Array.from({ length: 50 }, (_, index) => `m${index}`), 'last']);
    expect((await arrived('m7')).properties).toMatchObject({
      userProperties: { k: ['1', '2'] },
      contentType: 'text/plain',
      responseTopic: 'r',
      payloadFormatIndicator: true,
      messageExpiryInterval: 3600,
    });
    expect(second.lines).toContain('info 50 messages were left in the spool');
    await second.connection.close();
    const third = connect({ spoolFile });
    expect(third.lines.join()).not.toMatch(/left in the spool/);
  });
});

describe('further sessions', () => {
  it('take the filters beyond fifty, deliver each message once, and end when they are not needed', async () => {
    const { connection } = connect();
    await connected('T');
    const received: string[] = [];
    let told = () => {};
    const ends = new Map<string, () => Promise<void>>();
    for (let index = 0; index < 120; index++) {
      const filter = `f/${index}`;
      const handler = ({ topic, payload }: IPublishPacket) => {
        received.push(`${filter} ${topic} ${payload}`);
        told();
      };
      ends.set(filter, await connection.subscribe(filter, 1, handler));
    }
    // Matches what the first session is subscribed to, on another one.
    ends.set(
      'f/+',
      await connection.subscribe('f/+', 1, ({ topic, payload }) => {
        received.push(`f/+ ${topic} ${payload}`);
        told();
      }),
    );
    const bySession = async () => {
      const filters = new Map<string, number>();
      await Promise.all([...ends.keys()].map((filter) => subscribed(filter)));
      for (const { event, clientId = '' } of broker.events) {
        if (event === 'subscribe') filters.set(clientId, (filters.get(clientId) ?? 0) + 1);
      }
      return Object.fromEntries(filters);
    };
    expect(await bySession()).toEqual({ T: 50, 'T#2': 50, 'T#3': 21 });
    const two = new Promise<void>((resolve) => {
      told = () => received.length === 2 && resolve();
    });
    broker.send('f/3', 'x');
    await two;
    expect(received.sort()).toEqual(['f/+ f/3 x', 'f/3 f/3 x']);
    const from = broker.events.length;
    for (let index = 50; index < 100; index++) await ends.get(`f/${index}`)?.();
    await broker.heard(({ event, clientId }) => event === 'disconnect' && clientId === 'T#2', from);
    await connection.subscribe('again', 0, () => {});
    expect((await subscribed('again')).clientId).toBe('T#3');
  });

  it('use a certificate that was replaced on disk, as the first one does', async () => {
    const { connection } = connect();
    await connected('T');
    for (let index = 0; index < 51; index++) await connection.subscribe(`f/${index}`, 1, () => {});
    await subscribed('f/50');
    const fingerprint = putCertificate(await broker.authority.client('T'));
    const from = broker.events.length;
    connection.reconnect();
    expect(await connected('T', from)).toMatchObject({ certificate: fingerprint });
    expect(await connected('T#2', from)).toMatchObject({ certificate: fingerprint });
    await subscribed('f/0', from);
    await subscribed('f/50', from);
  });
});

describe('hours without a connection', () => {
  it('are waited for with growing pauses, and caught up with', async () => {
    await broker.kill();
    const clock = new HastyClock((delay) => delay < 100_000);
    const { connection } = connect({ clock });
    const start = clock.now();
    await connection.publish('t', text('kept'), { qos: 1 });
    while (clock.now() - start < 2 * 3_600_000) {
      await new Promise<void>((resolve) => {
        const off = connection.onState((state) => {
          if (state !== 'disconnected') return;
          off();
          resolve();
        });
      });
    }
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(60_000);
    expect(clock.waits.slice(10).every((wait) => wait >= 30_000)).toBe(true);
    await broker.launch();
    await arrived('kept');
  });
});
