import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DeviceConnection } from '../../src/mqtt/connection.js';
import { fingerprint } from '../support/authority.js';
import { HastyClock, temporaryFolder } from '../support/fixtures.js';
import { TestBroker } from '../support/iot-broker.js';

let broker: TestBroker;
beforeEach(async () => {
  broker = await TestBroker.start();
});
afterEach(() => broker.stop());

async function connect(overrides: { version?: 'mqtt5' | 'mqtt3'; spoolBytes?: number } = {}) {
  const folder = temporaryFolder();
  const pair = await broker.authority.client('T');
  broker.active.add(fingerprint(pair.certificate));
  const files = {
    rootCaPath: join(folder, 'ca.pem'),
    certificatePath: join(folder, 'cert.pem'),
    privateKeyPath: join(folder, 'key.pem'),
  };
  writeFileSync(files.rootCaPath, broker.authority.certificate);
  writeFileSync(files.certificatePath, pair.certificate);
  writeFileSync(files.privateKeyPath, pair.privateKey);
  const lines: string[] = [];
  const connection = new DeviceConnection({
    endpoint: { host: '127.0.0.1', port: broker.port },
    thingName: 'T',
    ...files,
    version: 'mqtt5',
    keepAliveSeconds: 60,
    sessionExpirySeconds: 604_800,
    receiveMaximum: 100,
    spoolBytes: 10_000,
    clock: new HastyClock(),
    log: (level, message) => lines.push(`${level} ${message}`),
    ...overrides,
  });
  onTestFinished(() => connection.close());
  connection.start();
  return { connection, lines };
}

const text = (value: string) => new TextEncoder().encode(value);

describe('the connection to AWS IoT Core', () => {
  it('is MQTT 5 with a session of a week unless told otherwise', async () => {
    await connect();
    await broker.connected('T');
    expect(broker.connects[0]).toMatchObject({
      clientId: 'T',
      version: 5,
      clean: false,
      keepalive: 60,
      properties: { sessionExpiryInterval: 604_800, receiveMaximum: 100 },
    });
  });

  it('is MQTT 3.1.1 with a persistent session when told so', async () => {
    await connect({ version: 'mqtt3' });
    await broker.connected('T');
    expect(broker.connects[0]).toMatchObject({ version: 4, clean: false });
  });

  it('subscribes again and delivers after a reconnection', async () => {
    const { connection } = await connect();
    const received: string[] = [];
    let arrived = () => {};
    await connection.subscribe('a/+', 1, (packet) => {
      received.push(`${packet.topic} ${packet.payload}`);
      arrived();
    });
    await broker.subscribed('a/+');
    broker.cut();
    await broker.subscribed('a/+');
    const delivered = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    broker.send('a/b', 'hello');
    await delivered;
    expect(received).toEqual(['a/b hello']);
  });

  it('keeps QoS 1 messages while offline, in order and bounded, and refuses QoS 0 then', async () => {
    await broker.stop();
    const { connection } = await connect({ spoolBytes: 100 });
    await connection.publish('t', text('1'.repeat(40)), { qos: 1 });
    await connection.publish('t', text('2'.repeat(40)), { qos: 1 });
    await expect(connection.publish('t', text('3'.repeat(40)), { qos: 1 })).rejects.toMatchObject({
      code: 'SPOOL_FULL',
    });
    await expect(connection.publish('t', text('x'))).rejects.toMatchObject({ code: 'OFFLINE' });
    await expect(connection.publish('t', new Uint8Array(200_000))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
    await broker.listen();
    await broker.message(({ payload }) => payload.startsWith('2'));
    expect(broker.published.map(({ payload }) => payload[0])).toEqual(['1', '2']);
  });

  it('says that a subscription is refused', async () => {
    broker.refusedFilters.add('secret');
    const { connection } = await connect();
    await broker.connected('T');
    await new Promise<void>((resolve) => {
      if (connection.state === 'connected') resolve();
      else connection.onState((state) => state === 'connected' && resolve());
    });
    await expect(connection.subscribe('secret', 0, () => {})).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
    });
  });

  it('goes on trying while the broker is away, and says why', async () => {
    const { connection, lines } = await connect();
    await broker.connected('T');
    await broker.stop();
    await new Promise<void>((resolve) => {
      let times = 0;
      connection.onState((state) => {
        if (state === 'disconnected' && ++times === 3) resolve();
      });
    });
    await broker.listen();
    await broker.connected('T');
    expect(lines.some((line) => /^warn MQTT disconnected: .*ECONNREFUSED/.test(line))).toBe(true);
  });

  it('takes part in no more once closed', async () => {
    const { connection } = await connect();
    await broker.connected('T');
    await connection.close();
    await expect(connection.publish('t', text('x'), { qos: 1 })).rejects.toMatchObject({ code: 'STOPPED' });
    expect(connection.state).toBe('closed');
  });
});
