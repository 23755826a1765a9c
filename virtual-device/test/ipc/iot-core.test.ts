import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { describe, expect, it, vi } from 'vitest';
import { connectClient, startDevice } from './device.js';

type QOS = greengrasscoreipc.model.QOS;
type PayloadFormat = greengrasscoreipc.model.PayloadFormat;
const [AT_MOST_ONCE, AT_LEAST_ONCE] = ['0' as QOS, '1' as QOS];

async function subscribe(client: greengrasscoreipc.Client, topicName: string, qos: QOS) {
  const received: greengrasscoreipc.model.MQTTMessage[] = [];
  const operation = client.subscribeToIoTCore({ topicName, qos });
  operation.on('message', ({ message }) => message && received.push(message));
  await operation.activate();
  return { received, operation };
}

const text = (payload: unknown) =>
  payload instanceof ArrayBuffer || ArrayBuffer.isView(payload)
    ? Buffer.from(payload as Uint8Array).toString()
    : payload;

describe('publish and subscribe with AWS IoT Core', () => {
  it('publishes with QoS, retain and MQTT 5 properties', async () => {
    const { device, server } = await startDevice(['led']);
    const led = await connectClient(server, 'led');
    await led.publishToIoTCore({ topicName: 'plain', qos: AT_MOST_ONCE, payload: 'text' });
    await led.publishToIoTCore({
      topicName: 'rich',
      qos: AT_LEAST_ONCE,
      payload: Buffer.from('bytes'),
      retain: true,
      userProperties: [{ key: 'k', value: 'v' }],
      messageExpiryIntervalSeconds: 60,
      correlationData: Buffer.from('c'),
      responseTopic: 'reply',
      payloadFormat: '1' as PayloadFormat,
      contentType: 'text/plain',
    });
    expect(device.calls).toEqual([
      ['publish', 'plain', 'text', { qos: 0 }],
      [
        'publish',
        'rich',
        'bytes',
        {
          qos: 1,
          retain: true,
          userProperties: [{ key: 'k', value: 'v' }],
          messageExpiryIntervalSeconds: 60,
          correlationData: Buffer.from('c'),
          responseTopic: 'reply',
          payloadFormat: 1,
          contentType: 'text/plain',
        },
      ],
    ]);
  });

  it('delivers with all properties', async () => {
    const { device, server } = await startDevice(['led']);
    const led = await connectClient(server, 'led');
    const { received } = await subscribe(led, 'device/+/frequency', AT_LEAST_ONCE);
    const deliver = device.subscriptions.get('device/+/frequency')?.onMessage;
    deliver?.({ topic: 'device/t/frequency', payload: Buffer.from('{"frequency":2}') });
    deliver?.({
      topic: 'device/t/frequency',
      payload: new Uint8Array(),
      retain: true,
      contentType: 'application/json',
      correlationData: Buffer.from('c'),
      payloadFormat: 1,
      userProperties: [{ key: 'k', value: 'v' }],
    });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(received[0]).toMatchObject({ topicName: 'device/t/frequency' });
    expect(text(received[0]?.payload)).toBe('{"frequency":2}');
    expect(received[1]).toMatchObject({
      retain: true,
      contentType: 'application/json',
      payloadFormat: '1',
      userProperties: [{ key: 'k', value: 'v' }],
    });
    expect(text(received[1]?.correlationData)).toBe('c');
  });

  it('shares one subscription of a filter, and ends it with its last subscriber', async () => {
    const { device, server } = await startDevice(['led', 'button']);
    const [led, button] = [await connectClient(server, 'led'), await connectClient(server, 'button')];
    const first = await subscribe(led, 'topic', AT_LEAST_ONCE);
    const second = await subscribe(led, 'topic', AT_MOST_ONCE);
    const third = await subscribe(button, 'topic', AT_LEAST_ONCE);
    expect(device.calls).toEqual([['subscribe', 'topic', 1]]);
    device.subscriptions.get('topic')?.onMessage({ topic: 'topic', payload: Buffer.from('x') });
    await vi.waitFor(() =>
      expect([first, second, third].map(({ received }) => received.length)).toEqual([1, 1, 1]),
    );
    await first.operation.close();
    await second.operation.close();
    await button.close();
    await vi.waitFor(() => expect(device.calls.at(-1)).toEqual(['unsubscribe', 'topic']));
    expect(device.calls).toHaveLength(2);
    await subscribe(led, 'topic', AT_MOST_ONCE);
    expect(device.calls.at(-1)).toEqual(['subscribe', 'topic', 0]);
  });

  it('says why AWS IoT Core cannot be had, and works again afterwards', async () => {
    const { device, server } = await startDevice(['led']);
    const led = await connectClient(server, 'led');
    device.iotCoreFailure = 'the spooler is full';
    await expect(
      led.publishToIoTCore({ topicName: 't', qos: AT_LEAST_ONCE, payload: 'x' }),
    ).rejects.toMatchObject({
      serviceError: { message: 'Publish to topic t failed: the spooler is full', _errorCode: 'ServiceError' },
    });
    await expect(subscribe(led, 't', AT_LEAST_ONCE)).rejects.toMatchObject({
      serviceError: { message: 'Subscribe to topic t failed with error the spooler is full' },
    });
    device.iotCoreFailure = undefined;
    await subscribe(led, 't', AT_LEAST_ONCE);
    expect(device.calls).toEqual([['subscribe', 't', 1]]);
  });

  it('refuses what no policy allows', async () => {
    const { device, server } = await startDevice(['led']);
    device.accessControl.set('led', {
      'aws.greengrass.ipc.mqttproxy': {
        'led:mqtt': { operations: ['aws.greengrass#PublishToIoTCore'], resources: ['lambda/+/frequency'] },
      },
    });
    const led = await connectClient(server, 'led');
    const publish = (topicName: string) =>
      led.publishToIoTCore({ topicName, qos: AT_LEAST_ONCE, payload: 'x' });
    await publish('lambda/t/frequency');
    await expect(publish('lambda/t/button')).rejects.toMatchObject({
      serviceError: { message: 'Not Authorized', _errorCode: 'UnauthorizedError' },
    });
    await expect(subscribe(led, 'lambda/t/frequency', AT_LEAST_ONCE)).rejects.toMatchObject({
      serviceError: { _errorCode: 'UnauthorizedError' },
    });
    expect(device.calls).toHaveLength(1);
    expect(device.logged).toContain(
      'warn: Principal led is not authorized to perform aws.greengrass.ipc.mqttproxy:aws.greengrass#PublishToIoTCore on resource lambda/t/button',
    );
  });

  it('asks for a payload', async () => {
    const { server } = await startDevice(['led']);
    const led = await connectClient(server, 'led');
    await expect(led.publishToIoTCore({ topicName: 't', qos: AT_LEAST_ONCE })).rejects.toThrow(
      /InvalidArgumentsError/,
    );
  });
});
