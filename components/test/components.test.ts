import { componentNames, topics } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoreDevice, type RunningProcess } from './support/core-device.js';
import { eventually } from './support/eventually.js';
import { makePrograms, type Programs } from './support/programs.js';

const { led: LED, button: BUTTON } = componentNames;
const frequency = topics.frequency('SN-1');
const button = topics.button('SN-1');
const telemetry = topics.telemetry('SN-1');
const setFrequency = topics.setFrequency('SN-1');

const ready = {
  led: (device: CoreDevice) => eventually(() => expect(device.told(button)).not.toEqual([])),
  button: (process: RunningProcess) =>
    eventually(() => expect(process.out.join('\n')).toContain('Watches key 148')),
};

describe('the components’ programs on a core device', () => {
  let programs: Programs;

  beforeAll(async () => {
    programs = await makePrograms();
  });
  afterAll(() => programs.remove());

  it('blink the LED, follow the cloud’s frequency, and stop and start it with the button', async () => {
    const device = await CoreDevice.start(programs);
    const led = await device.run(LED);
    await ready.led(device);
    expect(device.told(frequency)).toEqual(['{"frequency":2}']);
    expect(await device.led('trigger')).toBe('none');
    await device.changes(3);

    expect(device.fromCloud(setFrequency, '{"frequency": 20}')).toBe(true);
    await eventually(() => expect(device.told(frequency).at(-1)).toBe('{"frequency":20}'));
    await device.changes(4);

    device.fromCloud(setFrequency, '{"frequency": 5000}');
    device.fromCloud(setFrequency, '{"freq');
    await eventually(() => expect(led.err).toHaveLength(2));
    expect(led.err[0]).toMatch(
      /^Ignored "\{\\"frequency\\": 5000\}" on device\/SN-1\/frequency \(.*\): expected .*0\.1 to 50.* Hz\. The LED blinks at 20 Hz\.$/,
    );
    expect(led.err[1]).toContain('the payload is not JSON');
    await device.changes(2);
    expect(device.told(frequency)).toHaveLength(2);

    const pressed = await device.run(BUTTON);
    await ready.button(pressed);
    await device.press();
    await eventually(() => expect(device.told(button)).toEqual(['{"state":true}', '{"state":false}']));
    expect(await device.led('brightness')).toBe('0');
    await device.press();
    await eventually(() => expect(device.told(button).at(-1)).toBe('{"state":true}'));
    await device.changes(2);
    expect(device.told(button)).toHaveLength(3);
    expect(device.fromCloud(topics.pressButton('SN-1'), '{}')).toBe(true);
    await eventually(() => expect(device.told(button).at(-1)).toBe('{"state":false}'));
    await eventually(() => expect(device.told(telemetry).at(-1)).toBe('{"frequency":20,"blinking":false}'));
    for (const { topic, qos } of device.published) expect(qos).toBe(topic === telemetry ? 0 : 1);
    device.fromCloud(topics.pressButton('SN-1'), '{}');
    await eventually(() => expect(device.told(button)).toHaveLength(5));
    expect(device.refusals).toEqual([]);
    expect(pressed.err).toEqual([]);

    led.signal('SIGTERM');
    pressed.signal('SIGTERM');
    expect(await led.exit).toBe(0);
    expect(await pressed.exit).toBe(0);
    expect(await device.led('brightness')).toBe('0');
    expect(led.out.at(-1)).toBe('Stops, as asked by SIGTERM.');
  });

  it('stay in step when one of them is killed and started again', async () => {
    const device = await CoreDevice.start(programs);
    const led = await device.run(LED);
    const first = await device.run(BUTTON);
    await ready.led(device);
    await ready.button(first);
    await device.press();
    await eventually(() => expect(device.told(button).at(-1)).toBe('{"state":false}'));

    first.signal('SIGKILL');
    expect(await first.exit).toBe('SIGKILL');
    const second = await device.run(BUTTON);
    await ready.button(second);
    await device.press();
    await eventually(() => expect(device.told(button).at(-1)).toBe('{"state":true}'));
    await device.press();
    await eventually(() => expect(device.told(button).at(-1)).toBe('{"state":false}'));

    led.signal('SIGKILL');
    expect(await led.exit).toBe('SIGKILL');
    const before = device.told(button).length;
    await device.run(LED);
    await eventually(() => expect(device.told(button)[before]).toBe('{"state":true}'));
    await device.press();
    await eventually(() => expect(device.told(button).at(-1)).toBe('{"state":false}'));
    expect(device.told(button)).toEqual(
      [true, false, true, false, true, false].map((state) => JSON.stringify({ state })),
    );
  });

  it('exit, with one line that says why, when the core device is gone', async () => {
    const device = await CoreDevice.start(programs);
    const led = await device.run(LED);
    const pressed = await device.run(BUTTON);
    await ready.led(device);
    await ready.button(pressed);
    await device.stopIpc();
    expect(await led.exit).toBe(1);
    expect(await pressed.exit).toBe(1);
    for (const { err } of [led, pressed]) {
      expect(err).toEqual([
        expect.stringMatching(/^The core device closed the connection.*start it again\.$/),
      ]);
    }
    expect(await device.led('brightness')).toBe('0');
  });

  it('say on one line why they cannot start', async () => {
    const device = await CoreDevice.start(programs);
    const refused = [
      { env: { AWS_IOT_THING_NAME: '' }, says: 'AWS_IOT_THING_NAME is "", which is no thing name' },
      { env: { SVCUID: '' }, says: 'SVCUID is not set' },
      { env: { SVCUID: 'another' }, says: 'The core device does not accept the connection' },
      { env: { SYSFS_PATH: device.root }, says: 'No LED ACT: ' },
    ];
    await Promise.all(
      refused.map(async ({ env, says }) => {
        const process = await device.run(LED, env);
        expect(await process.exit).toBe(1);
        expect(process.err).toEqual([expect.stringContaining(says)]);
      }),
    );
  });
});
