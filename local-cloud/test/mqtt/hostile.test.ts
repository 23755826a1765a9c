import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { type Running, start } from './harness.js';
import { RawClient } from './raw-client.js';

/** A client beside the hostile ones that must not notice them. */
async function bystander({ port }: Running) {
  const { client } = await RawClient.connect(port, { clientId: 'bystander', protocolVersion: 5 });
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'bystander/t', qos: 1 }] });
  await client.next('suback');
  let count = 0;
  return {
    /** Publishes to itself and expects exactly that message and its acknowledgement. */
    async check(): Promise<void> {
      count += 1;
      client.publish({ topic: 'bystander/t', payload: String(count), qos: 1, messageId: count });
      const [message, ack] = await Promise.all([client.next('publish'), client.next('puback')]);
      expect(String(message.payload)).toBe(String(count));
      expect(ack).toMatchObject({ messageId: count, reasonCode: 0 });
      client.send({ cmd: 'puback', messageId: message.messageId ?? 0, reasonCode: 0 });
      expect(client.packets).toEqual([]);
    },
  };
}

function defects(running: Running): unknown[] {
  return running.logged.filter(({ level }) => level === 'error' || level === 'warn');
}

/** Sends the chunks, ends, and resolves when the broker has closed its side. */
async function attack(port: number, chunks: readonly Uint8Array[]): Promise<void> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  atEnd(() => socket.destroy());
  socket.on('error', () => {});
  socket.resume();
  const closed = new Promise((resolve) => socket.on('close', resolve));
  for (const chunk of chunks) {
    if (chunk.length > 0) await new Promise((resolve) => socket.write(chunk, resolve));
  }
  socket.end();
  await closed;
}

const connectPackets = ([3, 4, 5] as const).map((protocolVersion) =>
  mqttPacket.generate({
    cmd: 'connect',
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion,
    clientId: 'hostile',
    clean: true,
    keepalive: 60,
  }),
);
const connected = fc.constantFrom(...connectPackets);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

test('random bytes, before and after CONNECT', async () => {
  const running = await start();
  const healthy = await bystander(running);
  const attempt = fc.tuple(
    fc.option(connected, { nil: new Uint8Array() }),
    fc.array(bytes(80), { maxLength: 4 }),
  );
  await fc.assert(
    fc.asyncProperty(attempt, async ([first, rest]) => {
      await attack(running.port, [first, ...rest]);
      await healthy.check();
    }),
    { numRuns: 150 },
  );
  expect(defects(running)).toEqual([]);
});

const valid: Packet[] = [
  {
    cmd: 'publish',
    topic: 'h/t',
    payload: 'x',
    qos: 1,
    dup: false,
    retain: true,
    messageId: 1,
    properties: { topicAlias: 1, userProperties: { a: 'b' }, responseTopic: 'r' },
  },
  { cmd: 'publish', topic: 'h/t', payload: 'x', qos: 0, dup: false, retain: false },
  {
    cmd: 'subscribe',
    messageId: 2,
    subscriptions: [
      { topic: 'h/#', qos: 1 },
      { topic: '$share/g/h', qos: 0 },
    ],
  },
  { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['h/#'] },
  { cmd: 'puback', messageId: 1, reasonCode: 0 },
  { cmd: 'pingreq' },
  { cmd: 'disconnect', reasonCode: 4 },
];

test('valid packets with changed bytes, split anywhere', async () => {
  const running = await start();
  const healthy = await bystander(running);
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  const attempt = fc.record({
    version: fc.constantFrom(0, 1, 2),
    packets: fc.array(fc.constantFrom(...valid), { minLength: 1, maxLength: 4 }),
    changes: fc.array(change, { maxLength: 3 }),
    cut: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(attempt, async ({ version, packets, changes, cut }) => {
      const protocolVersion = ([3, 4, 5] as const)[version] ?? 5;
      const body = Buffer.concat(packets.map((packet) => mqttPacket.generate(packet, { protocolVersion })));
      for (const [at, value] of changes) body[at % body.length] = value;
      const all = Buffer.concat([connectPackets[version] ?? Buffer.alloc(0), body]);
      const at = cut % all.length;
      await attack(running.port, [all.subarray(0, at), all.subarray(at)]);
      await healthy.check();
    }),
    { numRuns: 200 },
  );
  expect(defects(running)).toEqual([]);
});

test('a conversation in single bytes is understood', async () => {
  const { port } = await start();
  const client = await RawClient.open(port);
  const conversation = Buffer.concat([
    client.encode(client.connectPacket()),
    client.encode({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] }),
    client.encode({
      cmd: 'publish',
      topic: 'a',
      payload: 'x',
      qos: 1,
      dup: false,
      retain: false,
      messageId: 2,
    }),
  ]);
  for (const byte of conversation) {
    await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
  }
  await client.next('connack');
  await client.next('suback');
  await client.next('puback');
  expect(await client.next('publish')).toMatchObject({ topic: 'a' });
});

test('[MQTT-3.2.2-15] a packet that claims to be huge is refused before it is collected', async () => {
  const running = await start();
  const healthy = await bystander(running);
  // Before CONNECT, and after it.
  const early = await RawClient.open(running.port);
  early.sendBytes(0x10, 0xff, 0xff, 0xff, 0x7f);
  await early.closed;
  const { client } = await RawClient.connect(running.port);
  client.sendBytes(0x30, 0xff, 0xff, 0xff, 0x7f);
  expect(await client.ended()).toBe(0x95);
  await healthy.check();
});

test('thousands of packets in one piece neither exhaust the stack nor lose one', async () => {
  const running = await start();
  const healthy = await bystander(running);
  const { client } = await RawClient.connect(running.port, { protocolVersion: 4 });
  const ping = client.encode({ cmd: 'pingreq' });
  const publish = (messageId: number) =>
    client.encode({ cmd: 'publish', topic: 'a', payload: '', qos: 1, dup: false, retain: false, messageId });
  const many = Array.from({ length: 20_000 }, (_, n) => publish((n % 60_000) + 1));
  client.socket.write(Buffer.concat([...many, ping]));
  await client.next('pingresp');
  expect(client.packets.filter(({ cmd }) => cmd === 'puback')).toHaveLength(20_000);
  await healthy.check();
});

test('clients that connect and vanish leave nothing behind', async () => {
  const running = await start();
  const healthy = await bystander(running);
  for (let n = 0; n < 100; n += 1) {
    const { client } = await RawClient.connect(running.port, { clientId: `v${n % 10}` });
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] });
    client.socket.resetAndDestroy();
    await client.closed;
  }
  await healthy.check();
  while ([...running.broker.clients()].length > 1) await new Promise(setImmediate);
  expect(defects(running)).toEqual([]);
});
