import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { temporaryDirectory } from './harness.js';
import { RawClient } from './raw-client.js';

const script = fileURLToPath(new URL('crash-broker.mjs', import.meta.url));

async function run(directory: string): Promise<{ port: number; kill(): Promise<void> }> {
  const child: ChildProcess = fork(script, [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  atEnd(kill);
  const [message] = await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error('The broker did not start; is local-cloud built (npm run build)?');
    }),
  ]);
  return { port: (message as { port: number }).port, kill };
}

const lasting = { clean: false, properties: { sessionExpiryInterval: 3600 } } as const;

/** The last message, larger than any other. */
const END = 1_000_000_000;

/** Acknowledges and collects the numbers that a session gets, until the connection ends. */
async function drain(client: RawClient, got: number[], enough = () => false): Promise<void> {
  while (!enough()) {
    const packet = await client.next('publish').catch(() => undefined);
    if (!packet) return;
    got.push(Number(packet.payload));
    client.send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
  }
}

test('what was acknowledged before kill -9 is there after it, for sessions that are away, connected or shared, and retained', async () => {
  const directory = temporaryDirectory();
  const acknowledged: number[] = [];
  const whileConnected: number[] = [];
  const rounds = 5;
  let number = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { port, kill } = await run(directory);
    const { client: away, connack } = await RawClient.connect(port, { clientId: 'away', ...lasting });
    expect(connack.sessionPresent).toBe(round > 0);
    // Only once: the sessions and their subscriptions have to survive as well.
    if (round === 0) {
      away.send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [
          { topic: 'n', qos: 1 },
          { topic: '$share/g/+', qos: 1 },
        ],
      });
      await away.next('suback');
    }
    away.socket.destroy();
    const present = await RawClient.connect(port, { clientId: 'present', ...lasting });
    if (round === 0) {
      present.client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'n', qos: 1 }] });
      await present.client.next('suback');
    }
    const draining = drain(present.client, whileConnected);

    const { client: publisher } = await RawClient.connect(port, { clientId: 'publisher' });
    const sent = new Map<number, number>();
    const send = () => {
      number += 1;
      const messageId = (number % 60_000) + 1;
      sent.set(messageId, number);
      publisher.publish({ topic: 'n', payload: String(number), qos: 1, messageId, retain: true });
    };
    for (let n = 0; n < 50; n += 1) send();
    // Killed at another moment in each round, with messages on their way.
    const enough = 100 + round * 37;
    for (let count = 0; count < enough; count += 1) {
      const { messageId } = await publisher.next('puback');
      acknowledged.push(sent.get(messageId ?? 0) ?? -1);
      send();
    }
    await kill();
    await Promise.all([publisher.closed, draining]);
    for (const packet of publisher.packets) {
      if (packet.cmd === 'puback') acknowledged.push(sent.get(packet.messageId ?? 0) ?? -1);
    }
  }
  expect(acknowledged.length).toBeGreaterThan(800);

  const { port, kill } = await run(directory);
  const { client: away } = await RawClient.connect(port, { clientId: 'away', ...lasting });
  const { client: present } = await RawClient.connect(port, { clientId: 'present', ...lasting });
  // Queues keep their order: behind this one nothing of what was kept is left.
  const { client: publisher } = await RawClient.connect(port, { clientId: 'publisher' });
  publisher.publish({ topic: 'n', payload: String(END), qos: 1, messageId: 1 });
  const whileAway: number[] = [];
  await drain(away, whileAway, () => whileAway.at(-1) === END);
  await drain(present, whileConnected, () => whileConnected.at(-1) === END);

  // Through its own subscription and through the group's: each at least once, and in order.
  const times = new Map<number, number>();
  for (const one of whileAway) times.set(one, (times.get(one) ?? 0) + 1);
  expect(acknowledged.filter((one) => (times.get(one) ?? 0) < 2)).toEqual([]);
  const firsts = [...times.keys()];
  expect(firsts).toEqual([...firsts].sort((one, other) => one - other));
  const connected = new Set(whileConnected);
  expect(acknowledged.filter((one) => !connected.has(one))).toEqual([]);

  const { client: reader } = await RawClient.connect(port, { clientId: 'reader' });
  reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'n', qos: 0 }] });
  const retained = await reader.next('publish');
  expect(retained.retain).toBe(true);
  expect(Number(retained.payload)).toBeGreaterThanOrEqual(Math.max(...acknowledged));
  await kill();
});
