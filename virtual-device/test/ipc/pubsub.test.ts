import { once } from 'node:events';
import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { describe, expect, it, vi } from 'vitest';
import { connectClient, startDevice } from './device.js';

type Received = { topic: string | undefined; json?: unknown; binary?: string };

/** Subscribes and collects what arrives. */
async function subscribe(
  client: greengrasscoreipc.Client,
  request: greengrasscoreipc.model.SubscribeToTopicRequest,
): Promise<Received[]> {
  const received: Received[] = [];
  const operation = client.subscribeToTopic(request);
  operation.on('message', ({ jsonMessage, binaryMessage }) => {
    if (jsonMessage) received.push({ topic: jsonMessage.context?.topic, json: jsonMessage.message });
    if (binaryMessage) {
      const { message } = binaryMessage;
      if (!(message instanceof ArrayBuffer) && !ArrayBuffer.isView(message)) throw new Error('no payload');
      const bytes = ArrayBuffer.isView(message)
        ? Buffer.from(message.buffer, message.byteOffset, message.byteLength)
        : Buffer.from(message);
      received.push({ topic: binaryMessage.context?.topic, binary: bytes.toString() });
    }
  });
  await operation.activate();
  return received;
}

const json = (topic: string, message: unknown) => ({ topic, publishMessage: { jsonMessage: { message } } });

describe('local publish and subscribe', () => {
  it('carries JSON and binary messages with their topic', async () => {
    const { server } = await startDevice(['led', 'button']);
    const [led, button] = [await connectClient(server, 'led'), await connectClient(server, 'button')];
    const received = await subscribe(led, { topic: 'device/button' });
    await button.publishToTopic(json('device/button', { state: false, nested: [1, null, 'ü'] }));
    await button.publishToTopic({
      topic: 'device/button',
      publishMessage: { binaryMessage: { message: Buffer.from('raw \u0000 bytes') } },
    });
    await button.publishToTopic(json('device/other', 1));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(received).toEqual([
      { topic: 'device/button', json: { state: false, nested: [1, null, 'ü'] } },
      { topic: 'device/button', binary: 'raw \u0000 bytes' },
    ]);
  });

  it.each([
    ['a/+/c', ['a/b/c', 'a//c'], ['a/b', 'a/b/c/d', 'b/b/c']],
    ['a/#', ['a', 'a/b', 'a/b/c'], ['b', 'ab']],
    ['#', ['a', 'a/b/c'], ['$a/b']],
  ])('matches the filter %s', async (filter, inside, outside) => {
    const { server } = await startDevice(['led', 'button']);
    const [led, button] = [await connectClient(server, 'led'), await connectClient(server, 'button')];
    const received = await subscribe(led, { topic: filter });
    const last = await subscribe(led, { topic: 'last' });
    for (const topic of [...outside, ...inside, 'last']) await button.publishToTopic(json(topic, {}));
    await vi.waitFor(() => expect(last).toHaveLength(1));
    // Each subscription has a stream of its own: this one may be behind.
    await vi.waitFor(() =>
      expect(received.map(({ topic }) => topic)).toEqual(filter === '#' ? [...inside, 'last'] : inside),
    );
  });

  it.each([
    ['topic', undefined, 1],
    ['+', undefined, 0],
    ['topic', 'RECEIVE_MESSAGES_FROM_OTHERS', 0],
    ['+', 'RECEIVE_ALL_MESSAGES', 1],
  ] as const)(
    'subscribed to %s with receive mode %s, a component gets its own message %i times',
    async (topic, receiveMode, times) => {
      const { server } = await startDevice(['led', 'button']);
      const [led, button] = [await connectClient(server, 'led'), await connectClient(server, 'button')];
      const received = await subscribe(led, {
        topic,
        receiveMode: receiveMode as greengrasscoreipc.model.ReceiveMode | undefined,
      });
      await led.publishToTopic(json('topic', 'own'));
      await button.publishToTopic(json('topic', 'other'));
      await vi.waitFor(() => expect(received.at(-1)?.json).toBe('other'));
      expect(received).toHaveLength(times + 1);
    },
  );

  it('ends with the subscription', async () => {
    const { server } = await startDevice(['led', 'button']);
    const [led, button] = [await connectClient(server, 'led'), await connectClient(server, 'button')];
    const first: unknown[] = [];
    const operation = led.subscribeToTopic({ topic: 'topic' });
    operation.on('message', (message) => first.push(message));
    await operation.activate();
    const second = await subscribe(led, { topic: 'topic' });
    await operation.close();
    await button.publishToTopic(json('topic', 1));
    await vi.waitFor(() => expect(second).toHaveLength(1));
    expect(first).toEqual([]);
  });

  it('refuses to publish to a wildcard, and unauthorised calls with the nucleus’s sentence', async () => {
    const { device, server } = await startDevice(['led']);
    const led = await connectClient(server, 'led');
    // The client's model has no such error for this operation, so it says what came instead.
    await expect(led.publishToTopic(json('a/+', 1))).rejects.toThrow(/aws.greengrass#InvalidArgumentsError/);
    device.accessControl.set('led', {
      'aws.greengrass.ipc.pubsub': {
        'led:1': { operations: ['aws.greengrass#SubscribeToTopic'], resources: ['allowed/*'] },
      },
    });
    const sentence =
      'Principal led is not authorized to perform aws.greengrass.ipc.pubsub:aws.greengrass#PublishToTopic on resource allowed/x';
    await expect(led.publishToTopic(json('allowed/x', 1))).rejects.toMatchObject({
      serviceError: { message: sentence, _message: sentence, _errorCode: 'UnauthorizedError' },
    });
    expect(device.logged).toContain(`warn: ${sentence}`);
    await expect(led.subscribeToTopic({ topic: 'elsewhere' }).activate()).rejects.toMatchObject({
      serviceError: { _errorCode: 'UnauthorizedError' },
    });
    await led.subscribeToTopic({ topic: 'allowed/x' }).activate();
  });

  it('serves many components at once', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `component${index}`);
    const { server } = await startDevice(names);
    const clients = await Promise.all(names.map((name) => connectClient(server, name)));
    const inboxes = await Promise.all(
      clients.map((client) =>
        subscribe(client, {
          topic: 'all/+',
          receiveMode: 'RECEIVE_ALL_MESSAGES' as greengrasscoreipc.model.ReceiveMode,
        }),
      ),
    );
    await Promise.all(clients.map((client, index) => client.publishToTopic(json(`all/${index}`, index))));
    await vi.waitFor(() => expect(inboxes.every((inbox) => inbox.length === names.length)).toBe(true));
    for (const inbox of inboxes) {
      expect(new Set(inbox.map((message) => message.json))).toEqual(new Set(names.keys()));
    }
  });

  it('keeps the order of one publisher', async () => {
    const { server } = await startDevice(['led', 'button']);
    const [led, button] = [await connectClient(server, 'led'), await connectClient(server, 'button')];
    const received = await subscribe(led, { topic: 'topic' });
    const count = 200;
    await Promise.all(
      Array.from({ length: count }, (_, index) => button.publishToTopic(json('topic', index))),
    );
    await vi.waitFor(() => expect(received).toHaveLength(count));
    expect(received.map((message) => message.json)).toEqual([...Array(count).keys()]);
  });

  it('goes on after the server was restarted', async () => {
    const { device, server } = await startDevice(['led']);
    const before = await connectClient(server, 'led');
    const disconnected = once(before, 'disconnection');
    await server.close();
    await disconnected;
    await expect(before.publishToTopic(json('topic', 1))).rejects.toThrow();
    const restarted = await device.start(server.socketPath);
    try {
      const after = await connectClient(restarted, 'led');
      const received = await subscribe(after, { topic: 'topic' });
      await after.publishToTopic(json('topic', 2));
      await vi.waitFor(() => expect(received).toEqual([{ topic: 'topic', json: 2 }]));
    } finally {
      await restarted.close();
    }
  });
});
