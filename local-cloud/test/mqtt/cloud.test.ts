import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { InboundPublish } from '../../src/mqtt/index.js';
import { collect, type Peer, settle, start } from './harness.js';
import { RawClient } from './raw-client.js';

describe('reserved topics', () => {
  test('are handed to the handler of the longest prefix, with all that the client said', async () => {
    const { port, broker } = await start({ clock: new ManualClock() });
    const general: InboundPublish<Peer>[] = [];
    const special: InboundPublish<Peer>[] = [];
    broker.intercept('$aws/', (publish) => void general.push(publish));
    broker.intercept('$aws/things/', (publish) => void special.push(publish));
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$aws/#', qos: 1 }] });
    await client.next('suback');
    const properties = {
      responseTopic: 'r',
      correlationData: Buffer.from('x'),
      userProperties: { k: 'v' },
      messageExpiryInterval: 60,
    };
    client.publish({ topic: '$aws/things/t', payload: 'p', qos: 1, messageId: 4, properties });
    expect(await client.next('puback')).toMatchObject({ messageId: 4, reasonCode: 0 });
    client.publish({ topic: '$aws/other', payload: 'q' });
    // It goes to the handler instead of to subscribers.
    expect(await client.settle()).toEqual([]);
    expect(special).toMatchObject([
      {
        topic: '$aws/things/t',
        payload: Buffer.from('p'),
        qos: 1,
        client: { clientId: 'c', protocolVersion: 5, peer: { port: client.socket.localPort } },
        properties: {
          responseTopic: 'r',
          correlationData: Buffer.from('x'),
          userProperties: [['k', 'v']],
          messageExpiryInterval: 60,
        },
      },
    ]);
    expect(general).toMatchObject([{ topic: '$aws/other' }]);
  });

  test('with `deliver` subscribers get the message too', async () => {
    const { port, broker } = await start();
    broker.intercept('$aws/', () => {}, { deliver: true });
    const { client } = await RawClient.connect(port);
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$aws/#', qos: 1 }] });
    client.publish({ topic: '$aws/x', payload: 'p' });
    expect(await client.next('publish')).toMatchObject({ topic: '$aws/x' });
  });

  test('a reply published by the handler reaches the client after its PUBACK is due, in any order of work', async () => {
    const { port, broker } = await start();
    broker.intercept('$aws/ask', async ({ payload }) => {
      await new Promise(setImmediate);
      await broker.publish({ topic: '$aws/ask/accepted', payload });
    });
    const { client } = await RawClient.connect(port);
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$aws/ask/accepted', qos: 1 }] });
    client.publish({ topic: '$aws/ask', payload: 'p', qos: 1, messageId: 2 });
    await client.next('puback');
    expect(await client.next('publish')).toMatchObject({
      topic: '$aws/ask/accepted',
      payload: Buffer.from('p'),
    });
  });

  test.each([
    [
      'throws',
      () => {
        throw new TypeError('defect');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('defect'))],
  ])('a handler that %s is logged and disturbs no one', async (_, handler) => {
    const { port, broker, logged } = await start();
    broker.intercept('$aws/', handler);
    const { client } = await RawClient.connect(port);
    client.publish({ topic: '$aws/x', qos: 1, messageId: 1 });
    await client.next('puback');
    expect(await client.settle()).toEqual([]);
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'The handler of a reserved topic failed' }),
    );
  });
});

describe('the cloud’s own view', () => {
  test('a message to one connection reaches its subscriptions alone, and nobody when it has ended', async () => {
    const { broker, connect } = await start();
    const observed: string[] = [];
    broker.observe(({ topic }) => {
      observed.push(topic);
    });
    const asking = await connect({ clientId: 'asking', protocolVersion: 5 });
    const other = await connect({ clientId: 'other', protocolVersion: 5 });
    for (const client of [asking, other])
      await client.subscribeAsync(['$aws/+/accepted', '$share/g/s'], { qos: 1 });
    const heard = collect(asking);
    const overheard = collect(other);
    const to = broker.client('asking');
    if (!to) throw new Error('The client is not connected');
    for (const qos of [0, 1] as const) {
      await broker.publish({ topic: '$aws/a/accepted', payload: Buffer.of(qos), qos, retain: true }, { to });
    }
    for (let n = 0; n < 5; n += 1) await broker.publish({ topic: 's', payload: Buffer.of(n) }, { to });
    await broker.publish({ topic: 'not/subscribed', payload: Buffer.of() }, { to });
    await Promise.all([settle(asking), settle(other)]);
    const own = ({ topic }: { topic: string }) => !topic.startsWith('settle/');
    expect(heard.received.filter(own).map(({ topic, qos }) => [topic, qos])).toEqual([
      ['$aws/a/accepted', 0],
      ['$aws/a/accepted', 1],
      ...Array.from({ length: 5 }, () => ['s', 0]),
    ]);
    expect(broker.retained.get('$aws/a/accepted')).toBeUndefined();

    // Another connection of the same client is not the one that asked.
    const later = await connect({ clientId: 'asking', protocolVersion: 5 });
    await later.subscribeAsync('$aws/+/accepted');
    const missed = collect(later);
    await broker.publish({ topic: '$aws/a/accepted', payload: Buffer.of() }, { to });
    await Promise.all([settle(later), settle(other)]);
    expect([...missed.received, ...overheard.received].filter(own)).toEqual([]);
    expect(observed.filter((topic) => !topic.startsWith('settle/'))).toEqual([]);
  });

  test('every accepted message is observed, also the cloud’s own; a listener that throws disturbs no one', async () => {
    const { port, broker } = await start();
    const observed: unknown[] = [];
    broker.observe(() => {
      throw new TypeError('defect');
    });
    const stop = broker.observe(({ topic, client }) => {
      observed.push([topic, client?.clientId]);
    });
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.publish({ topic: 'a', qos: 1, messageId: 1 });
    await client.next('puback');
    await broker.publish({ topic: 'b', payload: Buffer.alloc(0) });
    stop();
    await broker.publish({ topic: 'c', payload: Buffer.alloc(0) });
    expect(observed).toEqual([
      ['a', 'c'],
      ['b', undefined],
    ]);
  });

  test('PUBACK waits for what an observer keeps, and does not come when that fails', async () => {
    const { port, broker } = await start();
    const waiting: { keep(): void; fail(error: Error): void }[] = [];
    broker.observe(
      () =>
        new Promise<void>((resolve, reject) => {
          waiting.push({ keep: resolve, fail: reject });
        }),
    );
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.publish({ topic: 'a', qos: 1, messageId: 1 });
    expect(await client.settle()).toEqual([]);
    waiting[0]?.keep();
    expect(await client.next('puback')).toMatchObject({ messageId: 1 });
    client.publish({ topic: 'b', qos: 1, messageId: 2 });
    expect(await client.settle()).toEqual([]);
    waiting[1]?.fail(new TypeError('defect'));
    await client.closed;
    expect(client.packets.filter(({ cmd }) => cmd === 'puback')).toEqual([]);
  });

  test('a message that came in another way than MQTT has a peer and no client', async () => {
    const { port, broker } = await start();
    const observed: unknown[] = [];
    broker.observe(({ topic, client, peer }) => {
      observed.push([topic, client?.clientId, peer]);
    });
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.publish({ topic: 'a', qos: 1, messageId: 1 });
    await client.next('puback');
    const [connected] = [...broker.clients()];
    const by = connected?.peer;
    await broker.publish({ topic: 'b', payload: Buffer.alloc(0) }, by === undefined ? {} : { by });
    await broker.publish({ topic: 'c', payload: Buffer.alloc(0) });
    expect(observed).toEqual([
      ['a', 'c', by],
      ['b', undefined, by],
      ['c', undefined, undefined],
    ]);
  });

  test('connections and subscriptions are told', async () => {
    const { port, broker } = await start();
    const events: unknown[] = [];
    broker.on('connected', ({ client, sessionPresent }) =>
      events.push(['connected', client.clientId, sessionPresent]),
    );
    broker.on('subscribed', ({ client, topics }) => events.push(['subscribed', client.clientId, topics]));
    broker.on('unsubscribed', ({ topics }) => events.push(['unsubscribed', topics]));
    const gone = new Promise((resolve) =>
      broker.on('disconnected', ({ client, ...rest }) => {
        events.push(['disconnected', client.clientId, rest]);
        resolve(undefined);
      }),
    );
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'a', qos: 1 },
        { topic: 'b#', qos: 1 },
      ],
    });
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a', 'c'] });
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    await gone;
    expect(events).toEqual([
      ['connected', 'c', false],
      ['subscribed', 'c', ['a']],
      ['unsubscribed', ['a']],
      ['disconnected', 'c', { reason: 'CLIENT_INITIATED_DISCONNECT', clientInitiated: true }],
    ]);
  });

  test('what cannot be published is refused to the cloud as well', async () => {
    const { broker } = await start();
    await expect(broker.publish({ topic: 'a/#', payload: Buffer.alloc(0) })).rejects.toMatchObject({
      reasonCode: 0x90,
    });
    await expect(broker.publish({ topic: 'a', payload: Buffer.alloc(131_073) })).rejects.toMatchObject({
      reasonCode: 0x95,
    });
  });

  test('a view into a larger buffer is published as what it shows', async () => {
    const { port, broker } = await start();
    const { client } = await RawClient.connect(port);
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] });
    await client.next('suback');
    await broker.publish({ topic: 'a', payload: new Uint8Array([1, 2, 3, 4]).subarray(1, 3), qos: 1 });
    expect(await client.next('publish')).toMatchObject({ payload: Buffer.of(2, 3) });
  });
});
