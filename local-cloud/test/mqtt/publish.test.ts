import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { atEnd } from '../support/at-end.js';
import { start } from './harness.js';
import { RawClient } from './raw-client.js';

async function subscribed(
  port: number,
  topic: string,
  options: Parameters<typeof RawClient.connect>[1] = {},
) {
  const { client } = await RawClient.connect(port, options);
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1, rap: true }] });
  await client.next('suback');
  return client;
}

describe('properties', () => {
  test('what the publisher says of a message reaches the subscriber unaltered', async () => {
    const { port } = await start();
    const subscriber = await subscribed(port, 'a');
    const { client } = await RawClient.connect(port);
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'answers/1',
      correlationData: Buffer.of(0, 1, 255),
      messageExpiryInterval: 60,
    };
    // mqtt-packet groups user properties by name, so their order is written by hand: b=1, a=2, b=3.
    const user = [0x26, 0, 1, 0x62, 0, 1, 0x31, 0x26, 0, 1, 0x61, 0, 1, 0x32, 0x26, 0, 1, 0x62, 0, 1, 0x33];
    client.sendBytes(0x30, 3 + 1 + user.length, 0, 1, 0x61, user.length, ...user);
    client.publish({ topic: 'a', payload: 'x', qos: 1, messageId: 5, properties });
    // [MQTT-3.3.2-17] [MQTT-3.3.2-18]
    const raw = new Promise<Buffer>((resolve) => subscriber.socket.once('data', resolve));
    expect((await raw).includes(Buffer.from(user))).toBe(true);
    await subscriber.next('publish');
    // [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-20]
    const { properties: received } = await subscriber.next('publish');
    expect({ ...received }).toEqual({ ...properties, messageExpiryInterval: expect.any(Number) });
    // [MQTT-2.2.1-5]
    expect(await client.next('puback')).toMatchObject({ messageId: 5, reasonCode: 0 });
  });

  test('an MQTT 3 subscriber gets the message without its properties', async () => {
    const { port } = await start();
    const subscriber = await subscribed(port, 'a', { protocolVersion: 4 });
    const { client } = await RawClient.connect(port);
    client.publish({ topic: 'a', payload: 'x', properties: { contentType: 'y' } });
    expect(await subscriber.next('publish')).toMatchObject({ topic: 'a', payload: Buffer.from('x') });
  });

  test('a message expiry interval of 0 is a second, a long one a week', async () => {
    const clock = new ManualClock();
    const { port } = await start({ clock });
    const subscriber = await subscribed(port, 'a');
    const { client } = await RawClient.connect(port);
    for (const seconds of [0, 10_000_000]) {
      client.publish({ topic: 'a', properties: { messageExpiryInterval: seconds } });
    }
    expect((await subscriber.next('publish')).properties).toMatchObject({ messageExpiryInterval: 1 });
    expect((await subscriber.next('publish')).properties).toMatchObject({ messageExpiryInterval: 604_800 });
  });
});

describe('topic aliases', () => {
  test('[MQTT-3.3.2-12] [MQTT-3.3.2-7] of the client: set with a topic, used without, gone with the connection', async () => {
    const { port } = await start();
    const subscriber = await subscribed(port, '#');
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.publish({ topic: 'a', payload: '1', properties: { topicAlias: 8 } });
    client.publish({ topic: '', payload: '2', properties: { topicAlias: 8 } });
    client.publish({ topic: 'b', payload: '3', properties: { topicAlias: 8 } });
    client.publish({ topic: '', payload: '4', properties: { topicAlias: 8 } });
    const topics = [];
    for (let n = 0; n < 4; n += 1) topics.push((await subscriber.next('publish')).topic);
    expect(topics).toEqual(['a', 'a', 'b', 'b']);
    const again = await RawClient.connect(port, { clientId: 'c' });
    again.client.publish({ topic: '', payload: '5', properties: { topicAlias: 8 } });
    expect(await again.client.ended()).toBe(0x82);
  });

  test.each([0, 9])('[MQTT-3.3.2-8] [MQTT-3.3.2-9] alias %i is invalid', async (topicAlias) => {
    const { port } = await start();
    const { client } = await RawClient.connect(port);
    client.sendBytes(0x30, 7, 0, 1, 0x61, 3, 0x23, 0, topicAlias);
    expect(await client.ended()).toBe(0x94);
  });

  test('[MQTT-3.1.2-26] [MQTT-3.3.2-11] towards the client: as many as it takes', async () => {
    const { port, broker } = await start();
    const subscriber = await subscribed(port, '#', { properties: { topicAliasMaximum: 1 } });
    for (const topic of ['a', 'b', 'a', 'b'])
      await broker.publish({ topic, payload: Buffer.from(topic), qos: 1 });
    const received = [];
    for (let n = 0; n < 4; n += 1) {
      const { topic, payload, properties } = await subscriber.next('publish');
      received.push([topic, String(payload), properties?.topicAlias]);
    }
    expect(received).toEqual([
      ['a', 'a', 1],
      ['b', 'b', undefined],
      ['', 'a', 1],
      ['b', 'b', undefined],
    ]);
  });

  test('[MQTT-3.1.2-27] towards a client that takes none: none', async () => {
    const { port, broker } = await start();
    const subscriber = await subscribed(port, '#');
    for (let n = 0; n < 2; n += 1) await broker.publish({ topic: 'a', payload: Buffer.of(1) });
    for (const packet of await subscriber.settle()) expect(packet).toMatchObject({ topic: 'a' });
  });
});

describe('what may not be published', () => {
  const denied = { publish: (_: unknown, topic: string) => !topic.startsWith('denied') };

  test.each<[string, Partial<Parameters<RawClient['publish']>[0]> & { topic: string }, number]>([
    ['a topic that a policy denies', { topic: 'denied/x' }, 0x87],
    ['a topic with too many slashes', { topic: 'a/a/a/a/a/a/a/a/a' }, 0x90],
    ['a reserved topic that nobody takes', { topic: '$aws/x' }, 0x90],
    [
      '[MQTT-3.3.2-14] a response topic with a wildcard',
      { topic: 'a', properties: { responseTopic: 'b/#' } },
      0x90,
    ],
  ])('%s: PUBACK says why; QoS 0 and MQTT 3 are disconnected', async (_, packet, reasonCode) => {
    const { port, broker } = await start({ authorizer: denied });
    const observed: string[] = [];
    broker.observe(({ topic }) => {
      observed.push(topic);
    });
    const one = await RawClient.connect(port);
    one.client.publish({ ...packet, qos: 1, messageId: 3 });
    expect(await one.client.next('puback')).toMatchObject({ messageId: 3, reasonCode });
    expect(await one.client.settle()).toEqual([]);
    one.client.publish({ ...packet, qos: 0 });
    expect(await one.client.ended()).toBe(reasonCode);
    if (!packet.properties) {
      const three = await RawClient.connect(port, { protocolVersion: 4 });
      three.client.publish({ ...packet, qos: 1, messageId: 3 });
      await three.client.closed;
      expect(three.client.packets).toEqual([]);
    }
    expect(observed).toEqual([]);
  });

  test.each([4, 5] as const)(
    'a denied publish of MQTT %i is logged as a warning',
    async (protocolVersion) => {
      const { port, logged } = await start({ authorizer: denied });
      const { client } = await RawClient.connect(port, { clientId: 'intruder', protocolVersion });
      client.publish({ topic: 'denied', qos: 1, messageId: 1 });
      await (protocolVersion === 5 ? client.next('puback') : client.closed);
      expect(logged.filter(({ level }) => level === 'warn')).toEqual([
        {
          level: 'warn',
          message: expect.stringContaining('Publishing to "denied" is not authorized'),
          fields: { clientId: 'intruder', reasonCode: 0x87 },
        },
      ]);
    },
  );

  test('the disconnection for a denied publish is an AUTH_ERROR', async () => {
    const { port, broker } = await start({ authorizer: denied });
    const reason = new Promise((resolve) => broker.on('disconnected', (event) => resolve(event.reason)));
    const { client } = await RawClient.connect(port, { protocolVersion: 4 });
    client.publish({ topic: 'denied' });
    expect(await reason).toBe('AUTH_ERROR');
  });

  test('[MQTT-3.3.2-2] a topic with a wildcard ends the connection', async () => {
    const { port } = await start();
    const { client } = await RawClient.connect(port);
    client.publish({ topic: 'a/+', qos: 1, messageId: 1 });
    expect(await client.ended()).toBe(0x90);
  });

  test('[MQTT-3.2.2-12] QoS 2 ends the connection', async () => {
    const { port } = await start();
    const five = await RawClient.connect(port);
    five.client.publish({ topic: 'a', qos: 2, messageId: 1 });
    expect(await five.client.ended()).toBe(0x9b);
    const four = await RawClient.connect(port, { protocolVersion: 4 });
    four.client.publish({ topic: 'a', qos: 2, messageId: 1 });
    await four.client.closed;
    expect(four.client.packets).toEqual([]);
  });

  test('a payload of 128 KiB is taken, one byte more ends the connection', async () => {
    const { port } = await start();
    const subscriber = await subscribed(port, 'a');
    const { client } = await RawClient.connect(port);
    const payload = Buffer.alloc(131_072, 7);
    client.publish({ topic: 'a', payload, qos: 1, messageId: 1 });
    expect(await client.next('puback')).toMatchObject({ reasonCode: 0 });
    const received = await subscriber.next('publish');
    expect(Buffer.compare(Buffer.from(received.payload), payload)).toBe(0);
    client.publish({ topic: 'a', payload: Buffer.alloc(131_073) });
    expect(await client.ended()).toBe(0x95);
  });
});

describe('flow control', () => {
  test('[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more than Receive Maximum without PUBACK', async () => {
    const { port, broker } = await start();
    const subscriber = await subscribed(port, 'a', { properties: { receiveMaximum: 2 } });
    for (let n = 0; n < 5; n += 1)
      await broker.publish({ topic: 'a', payload: Buffer.from(String(n)), qos: 1 });
    const seen: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const packets = (await subscriber.settle()).filter((packet) => packet.cmd === 'publish');
      expect(packets).toHaveLength(round === 0 ? 2 : 1);
      seen.push(...packets.map(({ payload }) => String(payload)));
      if (seen.length === 5) break;
      subscriber.send({ cmd: 'puback', messageId: round + 1, reasonCode: 0 });
    }
    expect(seen).toEqual(['0', '1', '2', '3', '4']);
  });

  test('[MQTT-3.3.4-7] a client that sends more than the broker’s Receive Maximum is disconnected', async () => {
    const { port } = await start({ limits: { inboundInFlight: 3 } });
    const keeper = await RawClient.connect(port, { clean: false, properties: { sessionExpiryInterval: 60 } });
    keeper.client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] });
    await keeper.client.next('suback');
    const { client } = await RawClient.connect(port);
    const publish = (messageId: number) =>
      ({ cmd: 'publish', topic: 'a', payload: 'x', qos: 1, dup: false, retain: false, messageId }) as const;
    // In one piece, so that none can be kept, and acknowledged, before the last has come.
    client.send(publish(1), publish(2), publish(3), publish(4));
    expect(await client.ended()).toBe(0x93);
  });

  test('an MQTT 3 client that sends more is read no faster than it is acknowledged', async () => {
    const { port } = await start({ limits: { inboundInFlight: 3 } });
    const keeper = await RawClient.connect(port, { clean: false, properties: { sessionExpiryInterval: 60 } });
    keeper.client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] });
    await keeper.client.next('suback');
    const { client } = await RawClient.connect(port, { protocolVersion: 4 });
    const packets = Array.from(
      { length: 50 },
      (_, n) =>
        ({
          cmd: 'publish',
          topic: 'a',
          payload: 'x',
          qos: 1,
          dup: false,
          retain: false,
          messageId: n + 1,
        }) as const,
    );
    client.send(...packets);
    const acknowledged = [];
    for (let n = 0; n < 50; n += 1) acknowledged.push((await client.next('puback')).messageId);
    // [MQTT-4.6.0-2]
    expect(acknowledged).toEqual(packets.map(({ messageId }) => messageId));
  });

  test('[MQTT-4.6.0-2] acknowledgements come in the order of the messages, whatever is to be kept', async () => {
    const { port } = await start();
    const keeper = await RawClient.connect(port, { clean: false, properties: { sessionExpiryInterval: 60 } });
    keeper.client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'kept', qos: 1 }] });
    await keeper.client.next('suback');
    const { client } = await RawClient.connect(port);
    const publish = (topic: string, messageId: number) =>
      ({ cmd: 'publish', topic, payload: 'x', qos: 1, dup: false, retain: false, messageId }) as const;
    client.send(publish('kept', 1), publish('other', 2), publish('kept', 3), publish('other', 4));
    const order = [];
    for (let n = 0; n < 4; n += 1) order.push((await client.next('puback')).messageId);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test('[MQTT-3.1.2-24] [MQTT-3.1.2-25] nothing larger than the client takes; the rest comes', async () => {
    const { port, broker } = await start();
    const subscriber = await subscribed(port, 'a', { properties: { maximumPacketSize: 50 } });
    for (const size of [10, 100, 20]) {
      await broker.publish({ topic: 'a', payload: Buffer.alloc(size), qos: 1 });
      await broker.publish({ topic: 'a', payload: Buffer.alloc(size), qos: 0 });
    }
    const sizes = (await subscriber.settle()).map(
      (packet) => packet.cmd === 'publish' && packet.payload.length,
    );
    expect(sizes).toEqual([10, 10, 20, 20]);
  });

  test('[MQTT-4.6.0-5] [MQTT-4.6.0-6] a subscriber gets the messages of a topic in their order', async () => {
    const { port } = await start();
    const subscriber = await subscribed(port, 'a');
    const { client } = await RawClient.connect(port);
    for (let n = 1; n <= 90; n += 1) client.publish({ topic: 'a', payload: String(n), qos: 1, messageId: n });
    const order = [];
    for (let n = 0; n < 90; n += 1) order.push(Number((await subscriber.next('publish')).payload));
    expect(order).toEqual(Array.from({ length: 90 }, (_, n) => n + 1));
  });

  test('a client that does not read loses QoS 0 messages and then its connection; others notice nothing', async () => {
    const clock = new ManualClock();
    const { port, broker } = await start({ clock, limits: { outgoingBytes: 1024 * 1024 } });
    const slow = await subscribed(port, 'a', { clientId: 'slow' });
    const healthy = await subscribed(port, 'b', { clientId: 'healthy' });
    slow.socket.pause();
    atEnd(() => slow.socket.destroy());
    const reason = new Promise((resolve) => broker.on('disconnected', (event) => resolve(event.reason)));
    const before = process.memoryUsage().arrayBuffers;
    // Far more than the buffers of both sockets hold.
    for (let n = 0; n < 400; n += 1) {
      await broker.publish({ topic: 'a', payload: Buffer.alloc(131_072) });
      await new Promise(setImmediate);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1024 * 1024);
    await broker.publish({ topic: 'b', payload: Buffer.from('x'), qos: 1 });
    expect(await healthy.next('publish')).toMatchObject({ topic: 'b' });
    clock.advance(31_000);
    expect(await reason).toBe('SERVER_INITIATED_DISCONNECT');
    expect(broker.client('healthy')).toBeDefined();
  });

  test('a client that falls behind gets all of its QoS 1 messages once it reads again', async () => {
    const { port, broker } = await start({ limits: { outgoingBytes: 256 * 1024 } });
    const slow = await subscribed(port, 'a', { clientId: 'slow' });
    slow.socket.pause();
    const payload = Buffer.alloc(131_072);
    for (let n = 0; n < 90; n += 1) {
      payload.writeUInt32BE(n);
      await broker.publish({ topic: 'a', payload: Buffer.from(payload), qos: 1 });
    }
    slow.socket.resume();
    const order = [];
    for (let n = 0; n < 90; n += 1) {
      const packet = await slow.next('publish');
      order.push(Buffer.from(packet.payload).readUInt32BE());
      slow.send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
    }
    expect(order).toEqual(Array.from({ length: 90 }, (_, n) => n));
  });
});
