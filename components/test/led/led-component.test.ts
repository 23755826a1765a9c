import { topics } from '@mooring/contracts';
import { describe, expect, it } from 'vitest';
import { LedConfiguration } from '../../led/src/configuration.js';
import type { Led } from '../../led/src/led.js';
import { runLed } from '../../led/src/led-component.js';
import { parseConfiguration } from '../../runtime/src/configuration.js';
import { ComponentError } from '../../runtime/src/errors.js';
import { eventually } from '../support/eventually.js';
import { MemoryCore } from '../support/memory-core.js';

const setFrequency = topics.setFrequency('SN-1');
const frequency = topics.frequency('SN-1');
const button = topics.button('SN-1');
const telemetry = topics.telemetry('SN-1');

function memoryLed() {
  const changes: boolean[] = [];
  let broken = false;
  let fail: (error: ComponentError) => void = () => {};
  const led: Led = {
    name: 'the LED',
    set: (on) => {
      if (broken) throw new ComponentError('HARDWARE', 'unplugged');
      changes.push(on);
    },
    failed: new Promise((resolve) => {
      fail = resolve;
    }),
    close: async () => {},
  };
  return {
    led,
    changes,
    unplug: () => {
      broken = true;
    },
    fail: (message: string) => fail(new ComponentError('HARDWARE', message)),
  };
}

async function running(core = new MemoryCore(), interval = 0) {
  const light = memoryLed();
  const component = core.component();
  await runLed(component, light.led, { frequency: 2, telemetry: { interval } });
  if (!core.offline) await eventually(() => expect(core.told(button)).toHaveLength(1));
  return { core, component, ...light };
}

describe('the LED', () => {
  it('blinks from the start, and tells the cloud its frequency and that it blinks', async () => {
    const { core, changes } = await running();
    core.clock.advance(600);
    expect(changes).toEqual([true, false, true]);
    expect(core.toCloud).toEqual([
      { topic: frequency, message: { frequency: 2 } },
      { topic: button, message: { state: true } },
    ]);
    expect(core.log).toEqual(['Drives the LED. The LED blinks at 2 Hz.']);
  });

  it.each([0.1, 2, 12.5, 50])('takes %d Hz from the cloud and answers with it', async (hertz) => {
    const { core, changes } = await running();
    core.fromCloud(setFrequency, JSON.stringify({ frequency: hertz }));
    await eventually(() => expect(core.told(frequency)).toEqual([{ frequency: 2 }, { frequency: hertz }]));
    changes.length = 0;
    core.clock.advance(20_000);
    expect(changes).toHaveLength(Math.round(20 * hertz * 2));
    expect(core.problems).toEqual([]);
  });

  it.each([
    ['{"frequency": 0.09}', 'frequency'],
    ['{"frequency": 51}', 'frequency'],
    ['{"frequency": -1}', 'frequency'],
    ['{"frequency": "2"}', 'frequency'],
    ['{"frequency": null}', 'frequency'],
    ['{}', 'frequency'],
    ['2', 'expected object'],
    ['{"frequency": 2', 'not JSON'],
    ['', 'not JSON'],
    ['\n{"a":\n\u0007', 'not JSON'],
    [`{"frequency": "${'x'.repeat(5000)}"}`, 'frequency'],
  ])('says on one line what is wrong with %j, and goes on as before', async (payload, reason) => {
    const { core, changes } = await running();
    core.fromCloud(setFrequency, payload);
    expect(core.problems).toHaveLength(1);
    const [line = ''] = core.problems;
    expect(line).toContain(`on ${setFrequency}`);
    expect(line).toContain(reason);
    expect(line).toContain('expected {"frequency": 0.1 to 50}, in Hz. The LED blinks at 2 Hz.');
    expect(line).toContain(JSON.stringify(payload.slice(0, 200)));
    expect(line).not.toMatch(/\p{Cc}/u);
    expect(line.length).toBeLessThan(600);
    core.clock.advance(1_000);
    expect(changes).toEqual([true, false, true, false, true]);
    expect(core.told(frequency)).toEqual([{ frequency: 2 }]);
  });

  it('does what the button says, and tells the cloud whether it blinks', async () => {
    const { core, changes } = await running();
    core.fromDevice('{"state": false}');
    core.clock.advance(5_000);
    expect(changes).toEqual([true, false]);
    core.fromDevice('{"state": true}');
    expect(changes).toEqual([true, false, true]);
    await eventually(() =>
      expect(core.told(button)).toEqual([{ state: true }, { state: false }, { state: true }]),
    );
  });

  it('takes a frequency while it is off, and blinks at it when it is started', async () => {
    const { core, changes } = await running();
    core.fromDevice('{"state": false}');
    core.fromCloud(setFrequency, '{"frequency": 10}');
    core.clock.advance(1_000);
    expect(changes.at(-1)).toBe(false);
    await eventually(() => expect(core.told(frequency).at(-1)).toEqual({ frequency: 10 }));
    core.fromDevice('{"state": true}');
    changes.length = 0;
    core.clock.advance(1_000);
    expect(changes).toHaveLength(20);
  });

  it('ignores a button message that is none, on one line', async () => {
    const { core, changes } = await running();
    core.fromDevice('{"state": "off"}');
    expect(core.problems).toEqual([
      expect.stringContaining('expected {"state": true or false}. The LED blinks at 2 Hz.'),
    ]);
    core.clock.advance(300);
    expect(changes).toEqual([true, false]);
    expect(core.told(button)).toHaveLength(1);
  });

  it('blinks and hears the button without a network, and tells the cloud when there is one', async () => {
    const core = new MemoryCore();
    core.offline = true;
    const { changes } = await running(core);
    await eventually(() => expect(core.problems).toEqual(['no network. Tries again in 1 s.']));
    core.fromDevice('{"state": false}');
    expect(changes).toEqual([true, false]);
    await eventually(() => expect(core.problems).toContain('Could not tell the cloud: no network.'));
    core.clock.advance(1_000);
    await eventually(() => expect(core.problems).toContain('no network. Tries again in 2 s.'));
    core.offline = false;
    core.clock.advance(2_000);
    await eventually(() => expect(core.cloudTopics).toEqual([setFrequency]));
    await eventually(() =>
      expect(core.toCloud).toEqual([
        { topic: frequency, message: { frequency: 2 } },
        { topic: button, message: { state: false } },
      ]),
    );
  });

  it('subscribes again when the core device ends the subscription', async () => {
    const { core } = await running();
    core.endCloudSubscription(setFrequency);
    await eventually(() => expect(core.problems).toEqual([expect.stringContaining('ended')]));
    await eventually(() => {
      core.clock.advance(1_000);
      expect(core.cloudTopics).toEqual([setFrequency]);
    });
  });

  it('is off once stopped, and asks for nothing more', async () => {
    const { core, component, changes } = await running();
    await component.stop();
    core.clock.advance(5_000);
    expect(changes).toEqual([true, false]);
    expect(core.failures).toEqual([]);
  });

  it('fails when the LED does, at a change and at any other time', async () => {
    const first = await running();
    first.unplug();
    first.core.clock.advance(300);
    expect(first.core.failures).toEqual(['unplugged']);
    const second = await running();
    second.fail('gpioset ended');
    await eventually(() => expect(second.core.failures).toEqual(['gpioset ended']));
  });
});

describe('the LED’s telemetry', () => {
  it('tells what it does soon after the start, and then about every interval', async () => {
    const { core } = await running(new MemoryCore(), 60);
    expect(core.told(telemetry)).toEqual([]);
    core.clock.advance(1_000);
    expect(core.told(telemetry)).toEqual([{ frequency: 2, blinking: true }]);
    core.clock.advance(600_000);
    expect(core.told(telemetry).length).toBeGreaterThanOrEqual(10);
    expect(core.told(telemetry).length).toBeLessThanOrEqual(12);
  });

  it('tells a change soon, and of many in a second the last', async () => {
    const { core } = await running(new MemoryCore(), 60);
    core.clock.advance(10_000);
    for (let hertz = 1; hertz <= 50; hertz += 1) {
      core.fromCloud(setFrequency, JSON.stringify({ frequency: hertz }));
    }
    core.fromDevice('{"state": false}');
    core.clock.advance(1_000);
    expect(core.told(telemetry).slice(1)).toEqual([{ frequency: 50, blinking: false }]);
    for (let step = 0; step < 100; step += 1) {
      core.fromDevice(`{"state": ${step % 2 === 0}}`);
      core.clock.advance(100);
    }
    expect(core.told(telemetry).length).toBeLessThanOrEqual(2 + 10);
    core.clock.advance(1_000);
    expect(core.told(telemetry).at(-1)).toEqual({ frequency: 50, blinking: false });
  });

  it('is dropped without a network, which is said once, and told when there is one', async () => {
    const core = new MemoryCore();
    core.offline = true;
    await running(core, 1);
    core.clock.advance(20_000);
    const dropped = 'Telemetry is dropped: no network.';
    await eventually(() => expect(core.problems).toContain(dropped));
    core.clock.advance(20_000);
    await eventually(() => expect(core.problems.filter((line) => line === dropped)).toHaveLength(1));
    core.offline = false;
    core.clock.advance(2_000);
    expect(core.told(telemetry)[0]).toEqual({ frequency: 2, blinking: true });
    expect(core.told(telemetry).length).toBeLessThanOrEqual(3);
  });

  it('can be turned off, and ends with the component', async () => {
    const silent = await running(new MemoryCore(), 0);
    silent.core.clock.advance(600_000);
    expect(silent.core.told(telemetry)).toEqual([]);
    const stopped = await running(new MemoryCore(), 1);
    await stopped.component.stop();
    stopped.core.clock.advance(600_000);
    expect(stopped.core.told(telemetry)).toEqual([]);
  });

  it('comes every minute unless configured, at most once a second', () => {
    const parse = (telemetry: unknown) =>
      parseConfiguration(LedConfiguration, { led: { class: 'ACT' }, telemetry }).telemetry.interval;
    expect(parse(undefined)).toBe(60);
    expect(parse({ interval: 0 })).toBe(0);
    expect(parse({ interval: 1 })).toBe(1);
    for (const interval of [0.5, -1, 86_401, '60']) {
      expect(() => parse({ interval })).toThrow('telemetry.interval');
    }
  });
});
