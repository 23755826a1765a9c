import { expect, test } from 'vitest';
import { collect, start } from './harness.js';

test.each([4, 5] as const)(
  'protocol version %i: publish, subscribe, QoS 0 and 1',
  async (protocolVersion) => {
    const { connect } = await start();
    const subscriber = await connect({ protocolVersion, clientId: 'subscriber' });
    const publisher = await connect({ protocolVersion, clientId: 'publisher' });
    const inbox = collect(subscriber);
    await subscriber.subscribeAsync({ 'a/+': { qos: 1 }, 'b/#': { qos: 0 } });
    await publisher.publishAsync('a/1', 'one', { qos: 1 });
    await publisher.publishAsync('a/2', 'two', { qos: 0 });
    await publisher.publishAsync('b/c/d', 'three', { qos: 1 });
    await publisher.publishAsync('a/b/c', 'none', { qos: 1 });
    await publisher.publishAsync('a/4', 'four', { qos: 1 });
    await inbox.until(4);
    expect(inbox.received.map(({ topic, payload, qos }) => [topic, payload, qos])).toEqual([
      ['a/1', 'one', 1],
      ['a/2', 'two', 0],
      ['b/c/d', 'three', 0],
      ['a/4', 'four', 1],
    ]);
  },
);

test('a persistent session gets what was published while it was away, also after a restart', async () => {
  const first = await start();
  const options = { clientId: 'away', clean: false, protocolVersion: 4 } as const;
  const away = await first.connect(options);
  await away.subscribeAsync('t/#', { qos: 1 });
  await away.endAsync();
  const publisher = await first.connect({ clientId: 'publisher' });
  for (let n = 0; n < 20; n += 1) await publisher.publishAsync('t/x', String(n), { qos: 1 });
  await first.close();
  const second = await start({ directory: first.directory });
  let inbox: ReturnType<typeof collect> | undefined;
  await second.connect(options, (client) => {
    inbox = collect(client);
  });
  const received = await inbox?.until(20);
  expect(received?.map(({ payload }) => payload)).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
});
