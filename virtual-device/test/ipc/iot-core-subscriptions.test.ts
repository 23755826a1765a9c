import { describe, expect, it } from 'vitest';
import type { IotCoreMessage } from '../../src/ipc/index.js';
import { IotCoreSubscriptions } from '../../src/ipc/iot-core-subscriptions.js';

/** A connection whose calls end when the test says so. */
function controlledConnection() {
  const calls: string[] = [];
  const pending: { settle: (error?: Error) => void }[] = [];
  const callbacks: ((message: IotCoreMessage) => void)[] = [];
  const gate = () =>
    new Promise<void>((resolve, reject) => {
      pending.push({ settle: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  const subscriptions = new IotCoreSubscriptions(
    {
      publish: () => Promise.resolve(),
      async subscribe(filter, qos, onMessage) {
        calls.push(`subscribe ${filter} ${qos}`);
        callbacks.push(onMessage);
        await gate();
        return async () => {
          calls.push(`unsubscribe ${filter}`);
          await gate();
        };
      },
    },
    (level, message) => calls.push(`${level} ${message}`),
  );
  /** Lets everything that waits for nothing else happen. */
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const settle = async (error?: Error) => {
    await turn();
    pending.shift()?.settle(error);
    await turn();
  };
  return { subscriptions, calls, callbacks, settle, turn };
}

const message: IotCoreMessage = { topic: 't', payload: new Uint8Array() };

describe('shared subscriptions to AWS IoT Core', () => {
  it('raises the quality of service when one asks for more, without a message twice', async () => {
    const { subscriptions, calls, callbacks, settle } = controlledConnection();
    const received: string[] = [];
    const low = subscriptions.subscribe('t', 0, () => received.push('low'));
    await settle();
    const leaveLow = await low;
    const high = subscriptions.subscribe('t', 1, () => received.push('high'));
    await settle();
    const leaveHigh = await high;
    for (const deliver of callbacks) deliver(message);
    expect(received).toEqual(['low', 'high']);
    leaveLow();
    leaveLow();
    leaveHigh();
    await settle();
    await settle();
    expect(calls).toEqual(['subscribe t 0', 'subscribe t 1', 'unsubscribe t', 'unsubscribe t']);
  });

  it('delivers what arrives before the subscription is confirmed', async () => {
    const { subscriptions, callbacks, settle, turn } = controlledConnection();
    const received: IotCoreMessage[] = [];
    const subscribed = subscriptions.subscribe('t', 1, (each) => received.push(each));
    await turn();
    callbacks[0]?.(message);
    expect(received).toEqual([message]);
    await settle();
    await subscribed;
  });

  it('subscribes anew only after the former subscription has ended', async () => {
    const { subscriptions, calls, settle, turn } = controlledConnection();
    const first = subscriptions.subscribe('t', 1, () => undefined);
    await settle();
    (await first)();
    const second = subscriptions.subscribe('t', 1, () => undefined);
    await turn();
    expect(calls).toEqual(['subscribe t 1', 'unsubscribe t']);
    await settle();
    expect(calls).toEqual(['subscribe t 1', 'unsubscribe t', 'subscribe t 1']);
    await settle();
    await second;
  });

  it('lets the next one try again when a subscription failed', async () => {
    const { subscriptions, calls, settle } = controlledConnection();
    const first = subscriptions.subscribe('t', 1, () => undefined);
    const second = subscriptions.subscribe('t', 1, () => undefined);
    const refused = expect(first).rejects.toThrow('refused');
    await settle(new Error('refused'));
    await refused;
    await settle();
    await second;
    expect(calls).toEqual(['subscribe t 1', 'subscribe t 1']);
  });

  it('logs an end that fails, and goes on', async () => {
    const { subscriptions, calls, settle } = controlledConnection();
    const first = subscriptions.subscribe('t', 1, () => undefined);
    await settle();
    (await first)();
    await settle(new Error('offline'));
    expect(calls.at(-1)).toBe('warn Ending the subscription to t failed: Error: offline');
    const second = subscriptions.subscribe('t', 1, () => undefined);
    await settle();
    await second;
  });
});
