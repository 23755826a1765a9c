import { describe, expect, it, vi } from 'vitest';
import { connectClient, startDevice } from './device.js';

async function startWithConfiguration() {
  const { device, server } = await startDevice(['led', 'button']);
  device.configuration.set('led', { frequency: 2, pins: [1, 2], nested: { a: { b: 'c' } }, nothing: null });
  return { device, server, led: await connectClient(server, 'led') };
}

describe('configuration', () => {
  it.each([
    [['frequency'], { frequency: 2 }],
    [['pins'], { pins: [1, 2] }],
    [['nothing'], { nothing: null }],
    [['nested', 'a'], { b: 'c' }],
    [['nested', 'a', 'b'], { b: 'c' }],
    [[], { frequency: 2, pins: [1, 2], nested: { a: { b: 'c' } }, nothing: null }],
  ])('reads %j', async (keyPath, value) => {
    const { led } = await startWithConfiguration();
    expect(await led.getConfiguration({ keyPath })).toEqual({ componentName: 'led', value });
  });

  it('reads another component’s', async () => {
    const { device, led } = await startWithConfiguration();
    device.configuration.set('button', { line: 4 });
    expect(await led.getConfiguration({ componentName: 'button', keyPath: ['line'] })).toEqual({
      componentName: 'button',
      value: { line: 4 },
    });
  });

  it.each([
    [undefined, ['absent']],
    [undefined, ['frequency', 'below']],
    ['absent', []],
  ])('says that %s has no %j', async (componentName, keyPath) => {
    const { led } = await startWithConfiguration();
    const notFound = { serviceError: { message: 'Key not found', _errorCode: 'ResourceNotFoundError' } };
    await expect(led.getConfiguration({ componentName, keyPath })).rejects.toMatchObject(notFound);
    await expect(
      led.subscribeToConfigurationUpdate({ componentName, keyPath }).activate(),
    ).rejects.toMatchObject(notFound);
  });

  it('merges into maps and replaces leaves, with the client’s time in milliseconds', async () => {
    const { device, led } = await startWithConfiguration();
    const timestamp = new Date(1_763_838_000_123);
    await led.updateConfiguration({ timestamp, valueToMerge: { x: 1 } });
    await led.updateConfiguration({ keyPath: ['nested'], timestamp, valueToMerge: { a: { b: 'd' } } });
    await led.updateConfiguration({ keyPath: ['frequency'], timestamp, valueToMerge: 3 });
    await led.updateConfiguration({ keyPath: ['new', 'node'], timestamp, valueToMerge: { y: [] } });
    expect(device.calls).toEqual([
      ['update', 'led', [], 1_763_838_000_123, { x: 1 }],
      ['update', 'led', ['nested'], 1_763_838_000_123, { a: { b: 'd' } }],
      ['update', 'led', ['frequency'], 1_763_838_000_123, 3],
      ['update', 'led', ['new', 'node'], 1_763_838_000_123, { y: [] }],
    ]);
  });

  it.each([
    [[], { accessControl: {} }, /Config update is not allowed for following fields \[accessControl\]/],
    [['accessControl', 'x'], {}, /Config update is not allowed/],
    [['nested'], 5, /valueToMerge must be a map/],
    [['absent'], 'text', /valueToMerge must be a map/],
  ])('refuses to merge at %j the value %j', async (keyPath, valueToMerge, message) => {
    const { device, led } = await startWithConfiguration();
    await expect(
      led.updateConfiguration({ keyPath, timestamp: new Date(), valueToMerge }),
    ).rejects.toMatchObject({
      serviceError: { message: expect.stringMatching(message), _errorCode: 'InvalidArgumentsError' },
    });
    expect(device.calls).toEqual([]);
  });

  it('passes on that an update is older than what is there', async () => {
    const { device, led } = await startWithConfiguration();
    device.lastModified = 2_000;
    await expect(
      led.updateConfiguration({ keyPath: ['frequency'], timestamp: new Date(1_000), valueToMerge: 1 }),
    ).rejects.toMatchObject({ serviceError: { _errorCode: 'FailedUpdateConditionCheckError' } });
  });

  it('tells of changes until the subscription ends', async () => {
    const { device, led } = await startWithConfiguration();
    const events: unknown[] = [];
    const operation = led.subscribeToConfigurationUpdate({ keyPath: [] });
    operation.on('message', (event) => events.push(event));
    await operation.activate();
    await led.updateConfiguration({ keyPath: ['frequency'], timestamp: new Date(), valueToMerge: 5 });
    await vi.waitFor(() =>
      expect(events).toEqual([
        { configurationUpdateEvent: { componentName: 'led', keyPath: ['frequency'] } },
      ]),
    );
    await operation.close();
    await vi.waitFor(() => expect(device.watches.size).toBe(0));
  });
});
