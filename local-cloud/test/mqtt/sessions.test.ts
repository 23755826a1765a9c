import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { start } from './harness.js';
import { RawClient } from './raw-client.js';

const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } } as const;

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 = 1): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 99, subscriptions: [{ topic, qos }] });
  await client.next('suback');
}

describe('session state', () => {
  test('[MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.2.2-3] without Clean Start a session is resumed, or begun', async () => {
    const { port } = await start();
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    expect(first.connack.sessionPresent).toBe(false);
    await subscribe(first.client, 'a');
    first.client.socket.destroy();
    const second = await RawClient.connect(port, { clientId: 'c', ...lasting });
    expect(second.connack.sessionPresent).toBe(true);
    second.client.publish({ topic: 'a', payload: 'x' });
    expect(await second.client.next('publish')).toMatchObject({ topic: 'a' });
  });

  test('[MQTT-3.1.2-4] [MQTT-3.2.2-2] Clean Start discards the session there is', async () => {
    const { port } = await start();
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    await subscribe(first.client, 'a');
    const second = await RawClient.connect(port, { clientId: 'c', ...lasting, clean: true });
    expect(second.connack.sessionPresent).toBe(false);
    second.client.publish({ topic: 'a', payload: 'x' });
    expect(await second.client.settle()).toEqual([]);
  });

  test('[MQTT-4.1.0-2] [MQTT-3.1.2-23] a session lasts as long as its expiry interval', async () => {
    const clock = new ManualClock();
    const { port } = await start({ clock });
    const connect = async () => {
      const { client, connack } = await RawClient.connect(port, { clientId: 'c', ...lasting });
      client.send({ cmd: 'disconnect', reasonCode: 0 });
      await client.closed;
      return connack.sessionPresent;
    };
    expect(await connect()).toBe(false);
    clock.advance(599_000);
    expect(await connect()).toBe(true);
    clock.advance(602_000);
    expect(await connect()).toBe(false);
  });

  test('an MQTT 3 session lasts an hour, and cannot be resumed with MQTT 5', async () => {
    const clock = new ManualClock();
    const { port } = await start({ clock });
    const connect = async (protocolVersion: 4 | 5) => {
      const { client, connack } = await RawClient.connect(port, {
        clientId: 'c',
        ...lasting,
        protocolVersion,
      });
      client.send({ cmd: 'disconnect', reasonCode: 0 });
      await client.closed;
      return connack.sessionPresent;
    };
    expect(await connect(4)).toBe(false);
    clock.advance(3_590_000);
    expect(await connect(4)).toBe(true);
    clock.advance(3_602_000);
    expect(await connect(4)).toBe(false);
    expect(await connect(5)).toBe(false);
    expect(await connect(4)).toBe(false);
  });

  test('DISCONNECT may shorten a session but not begin one', async () => {
    const { port } = await start();
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    first.client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await first.client.closed;
    const second = await RawClient.connect(port, { clientId: 'c', clean: false });
    expect(second.connack.sessionPresent).toBe(false);
    second.client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
    expect(await second.client.ended()).toBe(0x82);
  });

  test('sessions, subscriptions and messages outlive the broker, expiry runs on', async () => {
    const clock = new ManualClock();
    const first = await start({ clock });
    const { client } = await RawClient.connect(first.port, { clientId: 'c', ...lasting });
    await subscribe(client, 'a/+');
    await first.close();
    const second = await start({ directory: first.directory, clock });
    await second.broker.publish({ topic: 'a/1', payload: Buffer.from('kept'), qos: 1 });
    await second.close();
    const third = await start({ directory: first.directory, clock });
    const back = await RawClient.connect(third.port, { clientId: 'c', ...lasting });
    expect(back.connack.sessionPresent).toBe(true);
    const message = await back.client.next('publish');
    expect(message).toMatchObject({ topic: 'a/1', qos: 1, payload: Buffer.from('kept') });
    back.client.send({ cmd: 'puback', messageId: message.messageId ?? 0, reasonCode: 0 });
    await back.client.settle();
    await third.close();
    clock.advance(601_000);
    const fourth = await start({ directory: first.directory, clock });
    clock.advance(2000);
    const late = await RawClient.connect(fourth.port, { clientId: 'c', ...lasting });
    expect(late.connack.sessionPresent).toBe(false);
  });

  test('cleanSession of a forced disconnection ends the session', async () => {
    const { port, broker } = await start();
    const { client } = await RawClient.connect(port, { clientId: 'c', ...lasting });
    broker.disconnect(() => true, 'API_INITIATED_DISCONNECT', { cleanSession: true });
    expect(await client.ended()).toBe(0x98);
    expect((await RawClient.connect(port, { clientId: 'c', ...lasting })).connack.sessionPresent).toBe(false);
  });
});

test('nothing of a session that has ended comes back with a later one of the same client', async () => {
  const first = await start();
  const { client } = await RawClient.connect(first.port, { clientId: 'c', ...lasting });
  await subscribe(client, 'a');
  await first.broker.publish({ topic: 'a', payload: Buffer.from('kept before'), qos: 1 });
  // In one turn, so that what is kept and what is forgotten go into the same batch.
  const pending = first.broker.publish({ topic: 'a', payload: Buffer.from('kept with'), qos: 1 });
  first.broker.disconnect(() => true, 'API_INITIATED_DISCONNECT', { cleanSession: true });
  await pending;
  await first.close();
  const { directory } = first;
  for (const sessionPresent of [false, true]) {
    const next = await start({ directory });
    const { client: later, connack } = await RawClient.connect(next.port, { clientId: 'c', ...lasting });
    expect(connack.sessionPresent).toBe(sessionPresent);
    expect(await later.settle()).toEqual([]);
    await next.close();
  }
});

describe('redelivery', () => {
  test('[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-1] what was not acknowledged comes again, in order, with DUP', async () => {
    const { port, broker } = await start();
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    await subscribe(first.client, 'a');
    for (const text of ['1', '2', '3'])
      await broker.publish({ topic: 'a', payload: Buffer.from(text), qos: 1 });
    const ids: (number | undefined)[] = [];
    for (let n = 0; n < 3; n += 1) {
      const packet = await first.client.next('publish');
      // [MQTT-4.3.2-2]
      expect(packet.dup).toBe(false);
      ids.push(packet.messageId);
    }
    // [MQTT-2.2.1-4]
    expect(new Set(ids).size).toBe(3);
    // The second one is acknowledged, with a reason code that says it failed: [MQTT-4.4.0-2] it is not sent again.
    first.client.send({ cmd: 'puback', messageId: ids[1] ?? 0, reasonCode: 0x80 });
    await first.client.settle();
    const gone = new Promise<void>((resolve) => broker.on('disconnected', () => resolve()));
    first.client.socket.destroy();
    await gone;
    await broker.publish({ topic: 'a', payload: Buffer.from('4'), qos: 1 });
    const second = await RawClient.connect(port, { clientId: 'c', ...lasting });
    const again = [];
    for (let n = 0; n < 3; n += 1) again.push(await second.client.next('publish'));
    expect(again.map(({ payload, dup, messageId }) => [String(payload), dup, messageId])).toEqual([
      ['1', true, ids[0]],
      ['3', true, ids[2]],
      ['4', false, expect.any(Number)],
    ]);
  });

  test('[MQTT-3.3.2-5] [MQTT-3.3.2-6] an expired message is not delivered, another says what is left', async () => {
    const clock = new ManualClock();
    const { port, broker } = await start({ clock });
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    await subscribe(first.client, 'a');
    first.client.send({ cmd: 'disconnect', reasonCode: 0 });
    await first.client.closed;
    const publish = (text: string, seconds?: number) =>
      broker.publish({
        topic: 'a',
        payload: Buffer.from(text),
        qos: 1,
        properties: { messageExpiryInterval: seconds },
      });
    await publish('short', 10);
    await publish('long', 100);
    await publish('forever');
    clock.advance(20_500);
    const { client } = await RawClient.connect(port, { clientId: 'c', ...lasting });
    expect(await client.next('publish')).toMatchObject({
      payload: Buffer.from('long'),
      properties: { messageExpiryInterval: 79 },
    });
    const last = await client.next('publish');
    expect(last).toMatchObject({ payload: Buffer.from('forever') });
    expect(last.properties?.messageExpiryInterval).toBeUndefined();
  });

  test('a queue is bounded: what comes when it is full is dropped', async () => {
    const { port, broker, logged } = await start({ limits: { queuedMessages: 3 } });
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    await subscribe(first.client, 'a');
    first.client.send({ cmd: 'disconnect', reasonCode: 0 });
    await first.client.closed;
    for (let n = 0; n < 5; n += 1)
      await broker.publish({ topic: 'a', payload: Buffer.from(String(n)), qos: 1 });
    const { client } = await RawClient.connect(port, { clientId: 'c', ...lasting });
    const got = (await client.settle()).map((packet) => packet.cmd === 'publish' && String(packet.payload));
    expect(got).toEqual(['0', '1', '2']);
    expect(logged.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });

  test('QoS 0 messages are not kept for who is away', async () => {
    const { port, broker } = await start();
    const first = await RawClient.connect(port, { clientId: 'c', ...lasting });
    await subscribe(first.client, 'a');
    first.client.send({ cmd: 'disconnect', reasonCode: 0 });
    await first.client.closed;
    await broker.publish({ topic: 'a', payload: Buffer.from('x'), qos: 0 });
    const { client } = await RawClient.connect(port, { clientId: 'c', ...lasting });
    expect(await client.settle()).toEqual([]);
  });
});
