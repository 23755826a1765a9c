import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { onTestEnd, temporaryDirectory } from './harness.js';
import { RawClient } from './raw-client.js';

const script = fileURLToPath(new URL('crash-broker.mjs', import.meta.url));

async function run(directory: string): Promise<{ port: number; kill(): Promise<void> }> {
  const child: ChildProcess = fork(script, [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestEnd(kill);
  const [message] = await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error('The broker did not start; is local-cloud built (npm run build)?');
    }),
  ]);
  return { port: (message as { port: number }).port, kill };
}

const lasting = { clean: false, properties: { sessionExpiryInterval: 3600 } } as const;

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
  const rounds = 6;
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
  expect(acknowledged.length).toBeGreaterThan(1000);

  const { port, kill } = await run(directory);
  const afterwards: number[] = [];
  const { client } = await RawClient.connect(port, { clientId: 'away', ...lasting });
  const seen = new Set<number>();
  await drain(client, afterwards, () => {
    const last = afterwards.at(-1);
    if (last !== undefined) seen.add(last);
    return acknowledged.every((one) => seen.has(one));
  });
  // Its own subscription and the group's: at least once, and each of the two in order.
  expect(afterwards.length).toBeGreaterThanOrEqual(acknowledged.length);
  const firsts = [...new Set(afterwards)];
  expect(firsts).toEqual([...firsts].sort((a, b) => a - b));

  const { client: back } = await RawClient.connect(port, { clientId: 'present', ...lasting });
  const missing = () => {
    const all = new Set(whileConnected);
    return acknowledged.filter((one) => !all.has(one));
  };
  await drain(back, whileConnected, () => missing().length === 0);
  expect(missing()).toEqual([]);

  const { client: reader } = await RawClient.connect(port, { clientId: 'reader' });
  reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'n', qos: 0 }] });
  const retained = await reader.next('publish');
  expect(retained.retain).toBe(true);
  expect(Number(retained.payload)).toBeGreaterThanOrEqual(Math.max(...acknowledged));
  await kill();
});
