import { once } from 'node:events';
import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { describe, expect, it } from 'vitest';
import { connectClient, startDevice } from './device.js';

const MINUTE = 60_000;
const signal = () => new AbortController().signal;

type Client = greengrasscoreipc.Client;
type Updates = Awaited<ReturnType<typeof subscribeToUpdates>>;

/** A component that listens to updates; `next` resolves with each event in turn. */
async function subscribeToUpdates(client: Client) {
  const operation = client.subscribeToComponentUpdates({});
  const events: unknown[] = [];
  let heard = () => {};
  operation.on('message', (message) => {
    events.push(message);
    heard();
  });
  await operation.activate();
  return {
    operation,
    async next(): Promise<unknown> {
      while (events.length === 0) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      return events.shift();
    },
  };
}

async function twoComponents() {
  const { device, server } = await startDevice(['led', 'button']);
  const [led, button] = await Promise.all([connectClient(server, 'led'), connectClient(server, 'button')]);
  return { device, led, button };
}

function ready(device: Awaited<ReturnType<typeof twoComponents>>['device'], timeoutMs = MINUTE) {
  return device.updates.ready({ deploymentId: 'd', isGgcRestarting: false, timeoutMs, signal: signal() });
}

const preUpdate = { preUpdateEvent: { deploymentId: 'd', isGgcRestarting: false } };

describe('an update that is ready', () => {
  it('goes on at once when nobody is subscribed', async () => {
    const { device } = await twoComponents();
    expect(await ready(device)).toBe(0);
    expect(device.clock.pending).toEqual([]);
  });

  it('waits for every subscribed component and takes the longest deferral', async () => {
    const { device, led, button } = await twoComponents();
    const [ledUpdates, buttonUpdates] = [await subscribeToUpdates(led), await subscribeToUpdates(button)];
    const answer = ready(device);
    expect(await ledUpdates.next()).toEqual(preUpdate);
    expect(await buttonUpdates.next()).toEqual(preUpdate);
    await led.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 5_000, message: 'blinking' });
    await button.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 9_000 });
    expect(await answer).toBe(9_000);
    expect(device.clock.pending).toEqual([]);
    expect(device.logged).toContain('info: led deferred the deployment for 5000 ms: blinking');
  });

  it('goes on when all acknowledge', async () => {
    const { device, led } = await twoComponents();
    const updates = await subscribeToUpdates(led);
    const answer = ready(device);
    await updates.next();
    await led.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 0 });
    expect(await answer).toBe(0);
  });

  it('does not wait longer than the policy says; who answers then is told', async () => {
    const { device, led, button } = await twoComponents();
    const [ledUpdates, buttonUpdates] = [await subscribeToUpdates(led), await subscribeToUpdates(button)];
    const answer = ready(device);
    await Promise.all([ledUpdates.next(), buttonUpdates.next()]);
    await led.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 5_000 });
    device.clock.advance(MINUTE);
    expect(await answer).toBe(5_000);
    await expect(
      button.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 1_000 }),
    ).rejects.toMatchObject({
      serviceError: { message: 'Time limit to respond to PreComponentUpdateEvent exceeded' },
    });
  });

  it('does not wait for a component that has gone', async () => {
    const { device, led, button } = await twoComponents();
    const [ledUpdates, buttonUpdates] = [await subscribeToUpdates(led), await subscribeToUpdates(button)];
    const answer = ready(device);
    await Promise.all([ledUpdates.next(), buttonUpdates.next()]);
    await ledUpdates.operation.close();
    const ended = once(button, 'disconnection');
    await button.close();
    await ended;
    expect(await answer).toBe(0);
  });

  it('ends with the deployment', async () => {
    const { device, led } = await twoComponents();
    const updates = await subscribeToUpdates(led);
    const stop = new AbortController();
    const request = { deploymentId: 'd', isGgcRestarting: true, timeoutMs: MINUTE };
    const answer = device.updates.ready({ ...request, signal: stop.signal });
    expect(await updates.next()).toMatchObject({ preUpdateEvent: { isGgcRestarting: true } });
    stop.abort(new Error('canceled'));
    await expect(answer).rejects.toThrow('canceled');
    await expect(device.updates.ready({ ...request, signal: stop.signal })).rejects.toThrow('canceled');
    device.updates.done('d');
    expect(await updates.next()).toEqual({ postUpdateEvent: { deploymentId: 'd' } });
    expect(device.clock.pending).toEqual([]);
  });

  it('is not deferred by who was not asked', async () => {
    const { device, led, button } = await twoComponents();
    const refused = async (client: Client, deploymentId: string, message: string) =>
      expect(client.deferComponentUpdate({ deploymentId, recheckAfterMs: 1 })).rejects.toMatchObject({
        serviceError: { message },
      });
    await refused(led, 'd', 'Component is not subscribed to component update events');
    const updates: Updates = await subscribeToUpdates(led);
    await refused(led, 'd', 'Time limit to respond to PreComponentUpdateEvent exceeded');
    const answer = ready(device);
    await updates.next();
    await refused(led, 'another', 'Time limit to respond to PreComponentUpdateEvent exceeded');
    await refused(button, 'd', 'Component is not subscribed to component update events');
    await led.deferComponentUpdate({ deploymentId: 'd' });
    expect(await answer).toBe(0);
  });
});

describe('a new configuration', () => {
  const request = {
    deploymentId: 'd',
    component: 'led',
    configuration: { frequency: 2, nested: { list: [1] } },
    timeoutMs: MINUTE,
  };

  async function validator() {
    const { device, led, button } = await twoComponents();
    const operation = led.subscribeToValidateConfigurationUpdates({});
    const asked = once(operation, 'message');
    await operation.activate();
    const answered = device.updates.validate({ ...request, signal: signal() }).then(
      () => 'valid',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );
    expect((await asked)[0]).toEqual({
      validateConfigurationUpdateEvent: { deploymentId: 'd', configuration: request.configuration },
    });
    const report = (status: 'ACCEPTED' | 'REJECTED', message?: string, deploymentId = 'd') =>
      led.sendConfigurationValidityReport({
        configurationValidityReport: {
          status: status as greengrasscoreipc.model.ConfigurationValidityStatus,
          deploymentId,
          ...(message && { message }),
        },
      });
    return { device, button, operation, answered, report };
  }

  it('is valid for components that do not validate', async () => {
    const { device } = await twoComponents();
    await device.updates.validate({ ...request, signal: signal() });
  });

  it('is valid when its component accepts it, once', async () => {
    const { answered, report } = await validator();
    await expect(report('ACCEPTED', undefined, 'another')).rejects.toMatchObject({
      serviceError: { message: 'Validation request either timed out or was never made' },
    });
    await report('ACCEPTED');
    expect(await answered).toBe('valid');
    await expect(report('ACCEPTED')).rejects.toThrow();
  });

  it('is rejected in the component’s own words', async () => {
    const { answered, report } = await validator();
    await report('REJECTED', '2 Hz is too fast');
    expect(await answered).toBe('DEPLOYMENT_INVALID led rejected its new configuration: 2 Hz is too fast');
  });

  it('is rejected when the component says nothing', async () => {
    const { device, answered, report } = await validator();
    device.clock.advance(MINUTE);
    expect(await answered).toMatch(/DEPLOYMENT_INVALID led did not say within 60 s/);
    await expect(report('ACCEPTED')).rejects.toThrow();
  });

  it('is rejected when the component goes away', async () => {
    const { answered, operation } = await validator();
    await operation.close();
    expect(await answered).toMatch(/DEPLOYMENT_INVALID led went away/);
  });
});
