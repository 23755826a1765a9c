import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { type StartOptions, start } from './harness.js';
import { RawClient } from './raw-client.js';

const will = { topic: 'gone', payload: Buffer.from('c'), qos: 1 as const, retain: false };

async function scene(options: StartOptions = {}) {
  const running = await start(options);
  const { client: witness } = await RawClient.connect(running.port, { clientId: 'witness', keepalive: 1200 });
  witness.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'gone', qos: 1, rap: true }] });
  await witness.next('suback');
  const gone = () => new Promise<void>((resolve) => running.broker.on('disconnected', () => resolve()));
  return { ...running, witness, gone };
}

describe('the will', () => {
  test('[MQTT-3.1.2-7] [MQTT-3.1.2-8] is published when the connection is lost', async () => {
    const { port, witness, broker } = await scene();
    const properties = { contentType: 'x', userProperties: { z: '1', a: '2' } };
    const { client } = await RawClient.connect(port, { will: { ...will, properties } });
    client.socket.destroy();
    const packet = await witness.next('publish');
    expect(packet).toMatchObject({ topic: 'gone', qos: 1, retain: false, payload: Buffer.from('c') });
    expect({ ...packet.properties }).toMatchObject({ contentType: 'x' });
    // [MQTT-3.1.3-10]
    expect(Object.entries(packet.properties?.userProperties ?? {})).toEqual([
      ['z', '1'],
      ['a', '2'],
    ]);
    // [MQTT-3.1.2-14]
    expect(broker.retained.get('gone')).toBeUndefined();
  });

  test('[MQTT-3.1.2-15] is retained when it says so', async () => {
    const { port, witness, broker } = await scene();
    const { client } = await RawClient.connect(port, { will: { ...will, retain: true }, protocolVersion: 4 });
    client.socket.destroy();
    expect(await witness.next('publish')).toMatchObject({ retain: true });
    expect(String(broker.retained.get('gone')?.payload)).toBe('c');
  });

  test('[MQTT-3.14.4-3] [MQTT-3.1.2-10] is not published after a normal DISCONNECT, but after one that asks for it', async () => {
    const { port, witness } = await scene();
    const normal = await RawClient.connect(port, { will });
    normal.client.send({ cmd: 'disconnect', reasonCode: 0 });
    await normal.client.closed;
    expect(await witness.settle()).toEqual([]);
    const asking = await RawClient.connect(port, { will });
    asking.client.send({ cmd: 'disconnect', reasonCode: 4 });
    expect(await witness.next('publish')).toMatchObject({ topic: 'gone' });
  });

  test('is published when the broker ends the connection, unless that prevents it', async () => {
    const { port, witness, broker } = await scene();
    const isNot = ({ clientId }: { clientId: string }) => clientId !== 'witness';
    await RawClient.connect(port, { will });
    broker.disconnect(isNot, 'API_INITIATED_DISCONNECT', { preventWill: true });
    expect(await witness.settle()).toEqual([]);
    await RawClient.connect(port, { will });
    broker.disconnect(isNot, 'AUTH_ERROR');
    expect(await witness.next('publish')).toMatchObject({ topic: 'gone' });
  });

  test('is published when the client is taken over', async () => {
    const { port, witness } = await scene();
    await RawClient.connect(port, { clientId: 'c', will });
    await RawClient.connect(port, { clientId: 'c' });
    expect(await witness.next('publish')).toMatchObject({ topic: 'gone' });
  });

  const lasting = {
    clientId: 'c',
    clean: false,
    will: { ...will, properties: { willDelayInterval: 10 } },
    properties: { sessionExpiryInterval: 60 },
  };

  test('[MQTT-3.1.3-9] is delayed, and forgotten when the client is back before', async () => {
    const clock = new ManualClock();
    const { port, witness, gone } = await scene({ clock });
    let away = gone();
    (await RawClient.connect(port, lasting)).client.socket.destroy();
    await away;
    clock.advance(8000);
    const back = await RawClient.connect(port, lasting);
    clock.advance(20_000);
    expect(await witness.settle()).toEqual([]);
    away = gone();
    back.client.socket.destroy();
    await away;
    clock.advance(12_000);
    expect(await witness.next('publish')).toMatchObject({ topic: 'gone' });
    expect(await witness.settle()).toEqual([]);
  });

  test('that is delayed is published when the session ends before', async () => {
    const clock = new ManualClock();
    const { port, witness, gone } = await scene({ clock });
    const away = gone();
    (await RawClient.connect(port, lasting)).client.socket.destroy();
    await away;
    expect(await witness.settle()).toEqual([]);
    await RawClient.connect(port, { clientId: 'c', clean: true });
    expect(await witness.next('publish')).toMatchObject({ topic: 'gone' });
    clock.advance(20_000);
    expect(await witness.settle()).toEqual([]);
  });
});
