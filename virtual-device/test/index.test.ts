import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type DeviceEvent, observeLed, pressButton, startDevice, systemClock } from '../src/index.js';
import { prepareDevice } from './support/fixtures.js';
import { TestBroker } from './support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

it('runs devices in this process, several at once, and stops them', async () => {
  const devices = await Promise.all(
    ['P1', 'P2'].map(async (serial) => {
      const { root, configFile } = await prepareDevice(broker, serial);
      const events: DeviceEvent[] = [];
      const device = await startDevice({
        root,
        initConfig: configFile,
        onEvent: (event) => events.push(event),
      });
      onTestFinished(() => device.stop());
      return { root, configFile, device, events };
    }),
  );
  await Promise.all([broker.connected('P1'), broker.connected('P2')]);
  const [first] = devices;
  expect(first?.device).toMatchObject({ thingName: 'P1', root: first?.root });
  expect(first?.device.components()).toEqual([]);
  expect(pressButton(first?.root ?? '', systemClock)).toBe(false);
  const observer = observeLed(first?.root ?? '');
  expect(observer.view()).toEqual({ on: false, blinking: false, frequencyHz: undefined });
  observer.close();
  await expect(startDevice({ root: first?.root ?? '' })).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
  await Promise.all(devices.map(({ device }) => device.stop()));
  expect(first?.events.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['provisioned', 'started', 'stopped']),
  );
  expect(first?.device.state).toBe('closed');
  const again = await startDevice({ root: first?.root ?? '' });
  await again.stop();
});

it('gives up starting when told so', async () => {
  const { root, configFile } = await prepareDevice(broker, 'P3', { claim: { mqttPort: 1 } });
  const stop = new AbortController();
  const starting = startDevice({
    root,
    initConfig: configFile,
    signal: stop.signal,
    onEvent: ({ event }) => event === 'provisioning' && stop.abort(new Error('enough')),
  });
  await expect(starting).rejects.toThrow('enough');
});
