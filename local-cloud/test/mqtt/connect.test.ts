import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { BrokerEvents, ConnectRequest, DisconnectReason } from '../../src/mqtt/index.js';
import { type Peer, type StartOptions, start } from './harness.js';
import { RawClient } from './raw-client.js';

/** A broker whose lifecycle events can be awaited. */
async function watched(options: StartOptions = {}) {
  const running = await start(options);
  const ended: BrokerEvents<Peer>['disconnected'][] = [];
  const waiting: (() => void)[] = [];
  running.broker.on('disconnected', (event) => {
    ended.push(event);
    for (const resolve of waiting.splice(0)) resolve();
  });
  const reason = async (clientId: string): Promise<DisconnectReason> => {
    for (;;) {
      const event = ended.find(({ client }) => client.clientId === clientId);
      if (event) return event.reason;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { ...running, reason };
}

describe('CONNACK', () => {
  test('[MQTT-3.1.4-5] [MQTT-3.2.0-1] MQTT 5 is told what AWS IoT Core supports', async () => {
    const { port } = await start();
    const { connack } = await RawClient.connect(port, { clientId: 'c', keepalive: 60 });
    // [MQTT-3.2.2-9] Maximum QoS 1.
    expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: false });
    expect({ ...connack.properties }).toEqual({
      receiveMaximum: 100,
      maximumQoS: 1,
      retainAvailable: true,
      maximumPacketSize: 149_504,
      topicAliasMaximum: 8,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: true,
    });
  });

  test.each([4, 3] as const)('MQTT level %i gets return code 0', async (protocolVersion) => {
    const { port } = await start();
    const { connack } = await RawClient.connect(port, { protocolVersion });
    expect(connack).toMatchObject({ returnCode: 0, sessionPresent: false });
  });

  test.each([
    [10, 30],
    [0, 1200],
    [5000, 1200],
  ])('a keep alive of %i s becomes %i s', async (keepalive, serverKeepAlive) => {
    const { port } = await start();
    const { connack } = await RawClient.connect(port, { keepalive });
    expect(connack.properties).toMatchObject({ serverKeepAlive });
  });

  test('a session expiry above the limit is told adjusted', async () => {
    const { port } = await start();
    const { connack } = await RawClient.connect(port, { properties: { sessionExpiryInterval: 604_800 } });
    expect(connack.properties).toMatchObject({ sessionExpiryInterval: 3600 });
  });

  test('[MQTT-3.1.3-7] [MQTT-3.2.2-16] an empty client identifier is replaced by one of the broker', async () => {
    const { port, broker } = await start();
    const first = await RawClient.connect(port, { clientId: '' });
    const second = await RawClient.connect(port, { clientId: '' });
    const one = first.connack.properties?.assignedClientIdentifier;
    const two = second.connack.properties?.assignedClientIdentifier;
    expect(one).toMatch(/^\$GEN\//);
    expect(two).not.toBe(one);
    await RawClient.connect(port, { clientId: '', protocolVersion: 4 });
    expect([...broker.clients()]).toHaveLength(3);
  });
});

describe('what is refused', () => {
  test.each<[string, Parameters<RawClient['connectPacket']>[0], number]>([
    ['[MQTT-4.12.0-1] enhanced authentication', { properties: { authenticationMethod: 'SCRAM' } }, 0x8c],
    ['[MQTT-3.1.3-8] a client identifier that is too long', { clientId: 'x'.repeat(129) }, 0x85],
    ['a client identifier that AWS reserves', { clientId: '$x' }, 0x85],
    ['[MQTT-3.2.2-12] a will of QoS 2', { will: { topic: 'w', payload: 'x', qos: 2 } }, 0x9b],
    ['a will to a topic with a wildcard', { will: { topic: 'w/#', payload: 'x' } }, 0x90],
    ['a will to a reserved topic', { will: { topic: '$aws/x', payload: 'x' } }, 0x90],
  ])('%s: MQTT 5 gets the reason', async (_, options, reasonCode) => {
    const { port } = await start();
    const { connack, client } = await RawClient.connect(port, options);
    // [MQTT-3.2.2-6] [MQTT-3.2.2-7]
    expect(connack).toMatchObject({ reasonCode, sessionPresent: false });
    await client.closed;
    expect(client.packets).toEqual([]);
  });

  test.each<[string, Parameters<RawClient['connectPacket']>[0], 3 | 4, number]>([
    ['an empty identifier with a lasting session', { clientId: '', clean: false }, 4, 2],
    ['an identifier that is too long', { clientId: 'x'.repeat(129) }, 4, 2],
  ])('%s: MQTT 3 gets the return code', async (_, options, protocolVersion, returnCode) => {
    const { port } = await start();
    const client = await RawClient.open(port, protocolVersion);
    if (options?.clientId === '') {
      // mqtt-packet does not write what the standard forbids.
      client.sendBytes(0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0);
    } else {
      client.send(client.connectPacket(options));
    }
    expect(await client.next('connack')).toMatchObject({ returnCode });
    await client.closed;
  });

  test('a will above the limit of payloads is refused', async () => {
    const { port } = await start({ limits: { payload: 10 } });
    const { connack, client } = await RawClient.connect(port, {
      will: { topic: 'w', payload: 'x'.repeat(11) },
    });
    expect(connack).toMatchObject({ reasonCode: 0x97 });
    await client.closed;
  });

  test('[MQTT-3.1.2-2] an unknown version is answered with return code 1', async () => {
    const { port } = await start();
    const client = await RawClient.open(port, 4);
    client.sendBytes(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 6, 2, 0, 60, 0, 0, 0);
    expect(await client.next('connack')).toMatchObject({ returnCode: 1 });
    await client.closed;
  });

  test('[MQTT-3.1.0-1] another packet than CONNECT closes the connection, without an answer [MQTT-3.14.0-1]', async () => {
    const { port } = await start();
    const client = await RawClient.open(port);
    client.send({ cmd: 'pingreq' }, client.connectPacket());
    await client.closed;
    expect(client.packets).toEqual([]);
  });

  test('[MQTT-3.1.0-2] a second CONNECT is a protocol error', async () => {
    const { port, reason } = await watched();
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.send(client.connectPacket({ clientId: 'c' }));
    expect(await client.ended()).toBe(0x82);
    expect(await reason('c')).toBe('CLIENT_ERROR');
  });

  test('[MQTT-3.1.4-1] a malformed CONNECT closes the connection', async () => {
    const { port } = await start();
    const client = await RawClient.open(port);
    client.sendBytes(0x10, 3, 0, 4, 0x4d);
    await client.closed;
    expect(client.packets).toEqual([]);
  });

  test('a connection that sends nothing is closed in time', async () => {
    const clock = new ManualClock();
    const { port, logged } = await start({ clock });
    const client = await RawClient.open(port);
    const other = await RawClient.open(port);
    other.send(other.connectPacket());
    await other.next('connack');
    clock.advance(31_000);
    await client.closed;
    expect(logged.map(({ message }) => message)).toContain('A connection sent no CONNECT in time');
    expect(await other.settle()).toEqual([]);
  });
});

describe('the decision on CONNECT', () => {
  test('it is told everything, and waited for while the client sends on', async () => {
    const asked: ConnectRequest<Peer>[] = [];
    let allow: () => void = () => {};
    const { port } = await start({
      authorizer: {
        connect: (request) => {
          asked.push(request);
          return new Promise((resolve) => {
            allow = () => resolve({ allowed: true });
          });
        },
      },
    });
    const client = await RawClient.open(port);
    client.send(
      client.connectPacket({
        clientId: 'c',
        username: 'u',
        password: Buffer.from('p'),
        clean: false,
        will: { topic: 'w', payload: 'x', retain: true },
        properties: { sessionExpiryInterval: 10 },
      }),
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] },
    );
    while (asked.length === 0) await new Promise(setImmediate);
    expect(client.packets).toEqual([]);
    expect(asked).toMatchObject([
      {
        clientId: 'c',
        protocolVersion: 5,
        cleanStart: false,
        persistent: true,
        username: 'u',
        will: { topic: 'w', retain: true },
      },
    ]);
    allow();
    await client.next('connack');
    await client.next('suback');
  });

  test.each([
    ['not-authorized', 0x87, 5],
    ['bad-credentials', 0x86, 4],
  ] as const)('%s is answered with %i, MQTT 3 with %i', async (why, reasonCode, returnCode) => {
    const { port, broker } = await start({
      authorizer: { connect: () => ({ allowed: false, reason: why, because: 'No' }) },
    });
    const refused: unknown[] = [];
    broker.on('refused', ({ clientId, reason }) => refused.push([clientId, reason]));
    const five = await RawClient.connect(port, { clientId: 'five' });
    expect(five.connack).toMatchObject({ reasonCode });
    const four = await RawClient.connect(port, { clientId: 'four', protocolVersion: 4 });
    expect(four.connack).toMatchObject({ returnCode });
    // [MQTT-3.1.4-2]
    await Promise.all([five.client.closed, four.client.closed]);
    expect(refused).toEqual([
      ['five', 'AUTH_ERROR'],
      ['four', 'AUTH_ERROR'],
    ]);
    expect([...broker.clients()]).toEqual([]);
  });

  test('a decision that fails is a server error, and the broker lives', async () => {
    let fail = true;
    const { port } = await start({
      authorizer: {
        connect: () => {
          if (fail) throw new TypeError('defect');
          return { allowed: true };
        },
      },
    });
    const { connack } = await RawClient.connect(port);
    expect(connack).toMatchObject({ reasonCode: 0x80 });
    fail = false;
    expect((await RawClient.connect(port)).connack).toMatchObject({ reasonCode: 0 });
  });
});

describe('the end of a connection', () => {
  test('[MQTT-3.1.4-3] a second connection of the same client ends the first', async () => {
    const { port, reason, broker } = await watched();
    const first = await RawClient.connect(port, { clientId: 'c' });
    const second = await RawClient.connect(port, { clientId: 'c' });
    expect(await first.client.ended()).toBe(0x8e);
    expect(await reason('c')).toBe('DUPLICATE_CLIENTID');
    expect([...broker.clients()]).toHaveLength(1);
    expect(await second.client.settle()).toEqual([]);
  });

  test('[MQTT-3.1.2-22] nothing for one and a half times the keep alive', async () => {
    const clock = new ManualClock();
    const { port, reason } = await watched({ clock });
    const silent = await RawClient.connect(port, { clientId: 'silent', keepalive: 60 });
    const alive = await RawClient.connect(port, { clientId: 'alive', keepalive: 60 });
    clock.advance(80_000);
    // [MQTT-3.12.4-1]
    await alive.client.settle();
    clock.advance(11_000);
    expect(await silent.client.ended()).toBe(0x8d);
    expect(await reason('silent')).toBe('MQTT_KEEP_ALIVE_TIMEOUT');
    expect(await alive.client.settle()).toEqual([]);
  });

  test('DISCONNECT is the client’s own will, a lost connection is not', async () => {
    const { port, reason } = await watched();
    const polite = await RawClient.connect(port, { clientId: 'polite' });
    polite.client.send({ cmd: 'disconnect', reasonCode: 0 });
    expect(await reason('polite')).toBe('CLIENT_INITIATED_DISCONNECT');
    await polite.client.closed;
    const rude = await RawClient.connect(port, { clientId: 'rude' });
    rude.client.socket.destroy();
    expect(await reason('rude')).toBe('CONNECTION_LOST');
  });

  test('[MQTT-4.13.1-1] a malformed packet ends the connection with its reason', async () => {
    const { port, reason } = await watched();
    const { client } = await RawClient.connect(port, { clientId: 'c' });
    client.sendBytes(0xc1, 0);
    expect(await client.ended()).toBe(0x81);
    expect(await reason('c')).toBe('CLIENT_ERROR');
  });

  test('[MQTT-3.14.2-3] the reason string is left out where it does not fit', async () => {
    const { port } = await start();
    const { client } = await RawClient.connect(port, { properties: { maximumPacketSize: 20 } });
    client.sendBytes(0xc1, 0);
    await client.closed;
    expect(client.packets).toEqual([
      expect.objectContaining({ cmd: 'disconnect', reasonCode: 0x81, length: 2 }),
    ]);
  });

  test('the broker disconnects whom it is told to, with the reason', async () => {
    const { port, broker, reason } = await watched();
    const one = await RawClient.connect(port, { clientId: 'one' });
    const two = await RawClient.connect(port, { clientId: 'two' });
    expect(broker.disconnect(({ clientId }) => clientId === 'one', 'AUTH_ERROR')).toBe(1);
    expect(await one.client.ended()).toBe(0x87);
    expect(await reason('one')).toBe('AUTH_ERROR');
    expect(broker.client('one')).toBeUndefined();
    expect(broker.client('two')?.clientId).toBe('two');
    expect(await two.client.settle()).toEqual([]);
  });

  test('[MQTT-3.14.4-1] [MQTT-3.14.4-2] a broker that stops says so and closes every connection', async () => {
    const { port, close } = await start();
    const { client } = await RawClient.connect(port);
    const unconnected = await RawClient.open(port);
    await close();
    expect(await client.ended()).toBe(0x8b);
    await unconnected.closed;
  });
});
