import { describe, expect, test } from 'vitest';
import { start } from './harness.js';
import { RawClient } from './raw-client.js';

type Sub = { topic: string; qos: 0 | 1 | 2; nl?: boolean; rap?: boolean; rh?: 0 | 1 | 2 };

async function subscribe(client: RawClient, ...subscriptions: Sub[]) {
  client.send({ cmd: 'subscribe', messageId: 7, subscriptions });
  const suback = await client.next('suback');
  // [MQTT-2.2.1-6]
  expect(suback.messageId).toBe(7);
  return suback.granted;
}

describe('SUBACK', () => {
  test('[MQTT-3.8.4-1] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] a code for each filter, in order', async () => {
    const { port } = await start({ authorizer: { subscribe: (_, filter) => !filter.startsWith('denied') } });
    const filters: Sub[] = [
      { topic: 'a', qos: 0 },
      { topic: 'denied/#', qos: 1 },
      { topic: 'b/#/c', qos: 1 },
      { topic: 'c', qos: 1 },
      { topic: '$share/g/denied', qos: 1 },
    ];
    const five = await RawClient.connect(port);
    expect(await subscribe(five.client, ...filters)).toEqual([0, 0x87, 0x8f, 1, 0x87]);
    // [MQTT-3.2.2-10] QoS 2 may be asked for.
    expect(await subscribe(five.client, { topic: 'd', qos: 2 })).toEqual([1]);
    const four = await RawClient.connect(port, { protocolVersion: 4 });
    expect(await subscribe(four.client, ...filters)).toEqual([0, 0x80, 0x80, 1, 0x80]);
  });

  test('the limits of AWS IoT Core: 50 subscriptions, 8 filters at a time', async () => {
    const { port } = await start();
    const { client } = await RawClient.connect(port);
    const filters = (from: number, count: number): Sub[] =>
      Array.from({ length: count }, (_, n) => ({ topic: `t/${from + n}`, qos: 1 }));
    for (let n = 0; n < 48; n += 8)
      expect(await subscribe(client, ...filters(n, 8))).toEqual(Array(8).fill(1));
    expect(await subscribe(client, ...filters(48, 4))).toEqual([1, 1, 0x97, 0x97]);
    // One that is there is only replaced.
    expect(await subscribe(client, { topic: 't/0', qos: 0 })).toEqual([0]);
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: filters(0, 9) });
    expect(await client.ended()).toBe(0x97);
  });

  test.each<[string, Sub, object | undefined, number]>([
    ['subscription identifiers', { topic: 'a', qos: 1 }, { subscriptionIdentifier: 1 }, 0xa1],
    [
      '[MQTT-3.8.3-4] No Local of a shared subscription',
      { topic: '$share/g/a', qos: 1, nl: true },
      undefined,
      0x82,
    ],
  ])('%s end the connection', async (_, subscription, properties, reasonCode) => {
    const { port } = await start();
    const { client } = await RawClient.connect(port);
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [subscription], properties });
    expect(await client.ended()).toBe(reasonCode);
  });

  test('QoS 2 of MQTT 3 gets no SUBACK, as AWS IoT Core says', async () => {
    const { port } = await start();
    const { client } = await RawClient.connect(port, { protocolVersion: 4 });
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 2 }] });
    await client.closed;
    expect(client.packets).toEqual([]);
  });
});

describe('delivery', () => {
  test('[MQTT-3.8.4-3] a subscription replaces that to the same filter; [MQTT-3.8.4-8] the lower QoS holds', async () => {
    const { port, broker } = await start();
    const { client } = await RawClient.connect(port);
    await subscribe(client, { topic: 'a', qos: 1 });
    await subscribe(client, { topic: 'a', qos: 0 });
    await broker.publish({ topic: 'a', payload: Buffer.of(1), qos: 1 });
    expect(await client.settle()).toMatchObject([{ qos: 0 }]);
    await subscribe(client, { topic: 'a', qos: 1 });
    await broker.publish({ topic: 'a', payload: Buffer.of(1), qos: 0 });
    // [MQTT-4.3.1-1]
    expect(await client.settle()).toMatchObject([{ qos: 0, dup: false }]);
  });

  test('[MQTT-3.3.4-2] one message for overlapping subscriptions, with the highest QoS', async () => {
    const { port, broker } = await start();
    const { client } = await RawClient.connect(port);
    await subscribe(client, { topic: 'a/#', qos: 0 }, { topic: 'a/+', qos: 1 }, { topic: 'a/b', qos: 0 });
    await broker.publish({ topic: 'a/b', payload: Buffer.of(1), qos: 1 });
    expect(await client.settle()).toMatchObject([{ qos: 1 }]);
  });

  test('[MQTT-3.8.3-3] No Local: not to the publisher itself', async () => {
    const { port, broker } = await start();
    const { client } = await RawClient.connect(port);
    const other = await RawClient.connect(port);
    await subscribe(client, { topic: 'a', qos: 1, nl: true });
    await subscribe(other.client, { topic: 'a', qos: 1, nl: true });
    client.publish({ topic: 'a', payload: 'mine' });
    expect(await client.settle()).toEqual([]);
    expect(await other.client.settle()).toHaveLength(1);
    await broker.publish({ topic: 'a', payload: Buffer.of(1) });
    expect(await client.settle()).toHaveLength(1);
  });

  test('[MQTT-4.5.0-1] to every subscriber; [MQTT-4.7.2-1] no wildcard matches what starts with $', async () => {
    const { port, broker } = await start();
    const clients = await Promise.all(
      ['#', '+/b', 'a/b', '$aws/#'].map(async (topic, n) => {
        const { client } = await RawClient.connect(port, { clientId: `c${n}` });
        await subscribe(client, { topic, qos: 1 });
        return client;
      }),
    );
    await broker.publish({ topic: 'a/b', payload: Buffer.of(1) });
    await broker.publish({ topic: '$aws/b', payload: Buffer.of(2) });
    const got = await Promise.all(clients.map(async (client) => (await client.settle()).length));
    expect(got).toEqual([1, 1, 1, 1]);
  });

  test('what a policy does not let a client receive is not sent to it, nor kept for it', async () => {
    let allowed = false;
    const { port, broker } = await start({ authorizer: { receive: () => allowed } });
    const { client } = await RawClient.connect(port);
    await subscribe(client, { topic: 'a', qos: 1 });
    for (const qos of [0, 1] as const) await broker.publish({ topic: 'a', payload: Buffer.of(1), qos });
    expect(await client.settle()).toEqual([]);
    allowed = true;
    await broker.publish({ topic: 'a', payload: Buffer.of(2), qos: 1 });
    expect(await client.settle()).toMatchObject([{ payload: Buffer.of(2) }]);
  });
});

describe('UNSUBSCRIBE', () => {
  test('[MQTT-3.10.4-1] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] one answer with a code for each', async () => {
    const { port, broker } = await start();
    const { client } = await RawClient.connect(port);
    await subscribe(client, { topic: 'a', qos: 1 }, { topic: 'b', qos: 1 });
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['a', 'A', 'c'] });
    expect(await client.next('unsuback')).toMatchObject({ messageId: 9, granted: [0, 0x11, 0x11] });
    await broker.publish({ topic: 'a', payload: Buffer.of(1) });
    await broker.publish({ topic: 'b', payload: Buffer.of(1) });
    expect(await client.settle()).toMatchObject([{ topic: 'b' }]);
  });
});

describe('retained messages', () => {
  const retained = (text: string) => ({
    topic: 'a',
    payload: Buffer.from(text),
    qos: 1 as const,
    retain: true,
  });

  test('[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] the last one is kept, an empty one removes it', async () => {
    const first = await start();
    const { client } = await RawClient.connect(first.port);
    client.publish({ ...retained('1'), messageId: 1 });
    client.publish({ ...retained('2'), messageId: 2, properties: { contentType: 'x' } });
    client.publish({ ...retained('3'), messageId: 3, retain: false });
    for (let n = 0; n < 3; n += 1) await client.next('puback');
    expect(first.broker.retained.get('a')).toMatchObject({
      topic: 'a',
      payload: Buffer.from('2'),
      qos: 1,
      properties: { contentType: 'x' },
    });
    await first.close();
    const second = await start({ directory: first.directory });
    expect(String(second.broker.retained.get('a')?.payload)).toBe('2');
    const again = await RawClient.connect(second.port);
    await subscribe(again.client, { topic: 'a', qos: 1 });
    expect(await again.client.next('publish')).toMatchObject({ retain: true, payload: Buffer.from('2') });
    again.client.publish({ ...retained(''), messageId: 1 });
    // Subscribers get the empty message too.
    expect(await again.client.next('publish')).toMatchObject({ retain: false, payload: Buffer.alloc(0) });
    await again.client.next('puback');
    expect(second.broker.retained.get('a')).toBeUndefined();
  });

  test('[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] Retain Handling', async () => {
    const { port, broker } = await start();
    await broker.publish(retained('x'));
    const { client } = await RawClient.connect(port);
    const sent = async (rh: 0 | 1 | 2) => {
      await subscribe(client, { topic: 'a', qos: 0, rh });
      return (await client.settle()).length;
    };
    expect([await sent(2), await sent(1), await sent(0), await sent(0)]).toEqual([0, 0, 1, 1]);
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a'] });
    await client.next('unsuback');
    expect(await sent(1)).toBe(1);
  });

  test('[MQTT-3.3.1-12] [MQTT-3.3.1-13] Retain As Published', async () => {
    const { port, broker } = await start();
    const without = await RawClient.connect(port);
    const having = await RawClient.connect(port);
    await subscribe(without.client, { topic: 'a', qos: 1, rap: false });
    await subscribe(having.client, { topic: 'a', qos: 1, rap: true });
    await broker.publish(retained('x'));
    await broker.publish({ ...retained('y'), retain: false });
    const flags = (client: RawClient) =>
      client.settle().then((all) => all.map((p) => p.cmd === 'publish' && p.retain));
    expect(await flags(without.client)).toEqual([false, false]);
    expect(await flags(having.client)).toEqual([true, false]);
  });

  test('AWS IoT Core sends them neither for wildcards nor for shared subscriptions', async () => {
    const { port, broker } = await start();
    await broker.publish(retained('x'));
    const { client } = await RawClient.connect(port);
    await subscribe(client, { topic: '+', qos: 1 }, { topic: '#', qos: 1 }, { topic: '$share/g/a', qos: 1 });
    expect(await client.settle()).toEqual([]);
  });

  test('they are listed in order, page by page, also while they are being kept', async () => {
    const { broker } = await start();
    for (const topic of ['c', 'a', 'e']) await broker.publish({ ...retained('x'), topic });
    const pending = [
      broker.publish({ ...retained('x'), topic: 'd' }),
      broker.publish({ ...retained('x'), topic: 'b' }),
      broker.publish({ ...retained(''), topic: 'c' }),
    ];
    const topics = (range?: object) => [...broker.retained.list(range)].map(({ topic }) => topic);
    expect(topics()).toEqual(['a', 'b', 'd', 'e']);
    await Promise.all(pending);
    expect(topics()).toEqual(['a', 'b', 'd', 'e']);
    expect(topics({ after: 'a', limit: 2 })).toEqual(['b', 'd']);
  });

  test('a reserved topic takes none', async () => {
    const { port, broker } = await start();
    broker.intercept('$aws/x', () => {});
    const { client } = await RawClient.connect(port);
    client.publish({ topic: '$aws/x', payload: 'x', qos: 1, messageId: 1, retain: true });
    expect(await client.next('puback')).toMatchObject({ reasonCode: 0x90 });
  });
});

describe('shared subscriptions', () => {
  test.each([4, 5] as const)(
    'MQTT level %i: each message goes to one of the group',
    async (protocolVersion) => {
      const { port, broker } = await start();
      const members = await Promise.all(
        ['m1', 'm2'].map(async (clientId) => {
          const { client } = await RawClient.connect(port, { clientId, protocolVersion });
          // [MQTT-4.8.2-3]
          expect(await subscribe(client, { topic: '$share/g/a/+', qos: 0 })).toEqual([0]);
          return client;
        }),
      );
      const other = await RawClient.connect(port);
      await subscribe(other.client, { topic: '$share/h/a/+', qos: 1 });
      for (let n = 0; n < 60; n += 1) await broker.publish({ topic: 'a/b', payload: Buffer.of(n), qos: 1 });
      const got = await Promise.all(members.map((client) => client.settle()));
      const numbers = got.flat().map((packet) => packet.cmd === 'publish' && Buffer.from(packet.payload)[0]);
      expect(numbers.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 60 }, (_, n) => n));
      expect(got.every((packets) => packets.length > 0)).toBe(true);
      expect(got.flat().every((packet) => packet.cmd === 'publish' && packet.qos === 0)).toBe(true);
      expect(await other.client.settle()).toHaveLength(60);
    },
  );

  test('while no member is there the group keeps QoS 1 messages, also over a restart', async () => {
    const first = await start();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } } as const;
    const member = await RawClient.connect(first.port, { clientId: 'm', ...lasting });
    await subscribe(member.client, { topic: '$share/g/a', qos: 1 });
    member.client.send({ cmd: 'disconnect', reasonCode: 0 });
    await member.client.closed;
    for (const text of ['1', '2']) {
      await first.broker.publish({ topic: 'a', payload: Buffer.from(text), qos: 1 });
    }
    await first.close();
    const second = await start({ directory: first.directory });
    // A new member gets them as well as an old one that comes back.
    const { client } = await RawClient.connect(second.port, { clientId: 'new' });
    await subscribe(client, { topic: '$share/g/a', qos: 1 });
    expect(
      (await client.settle()).map((packet) => packet.cmd === 'publish' && String(packet.payload)),
    ).toEqual(['1', '2']);
    const back = await RawClient.connect(second.port, { clientId: 'm', ...lasting });
    expect(await back.client.settle()).toEqual([]);
  });
});
