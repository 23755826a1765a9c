import { topics } from '@mooring/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runButton } from '../../button/src/button-component.js';
import type { Led } from '../../led/src/led.js';
import { runLed } from '../../led/src/led-component.js';
import { eventually } from '../support/eventually.js';
import { MemoryCore } from '../support/memory-core.js';

const silentLed = (): Led => ({
  name: 'the LED',
  set: () => {},
  failed: new Promise(() => {}),
  close: async () => {},
});

const blinking = { frequency: 2, telemetry: { interval: 0 } };

/** Lets everything happen that has been set going. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A button on a device where no LED answers. */
async function startedAlone(core: MemoryCore): Promise<() => void> {
  const starting = runButton(core.component());
  await settled();
  core.clock.advance(1_000);
  return starting;
}

describe('the button', () => {
  it('stops the LED with the first press and starts it with the second', async () => {
    const core = new MemoryCore();
    await runLed(core.component(), silentLed(), blinking);
    const heard: string[] = [];
    await core.component().bus.subscribeLocal(topics.localButton(), (payload) => heard.push(String(payload)));
    const press = await runButton(core.component());
    await settled();
    heard.length = 0;
    press();
    press();
    await eventually(() => expect(heard).toEqual(['{"state":false}', '{"state":true}']));
    await eventually(() =>
      expect(core.told(topics.button('SN-1')).slice(-2)).toEqual([{ state: false }, { state: true }]),
    );
    expect(core.log.filter((line) => line.startsWith('Pressed'))).toEqual([
      'Pressed: asked the LED to stop.',
      'Pressed: asked the LED to blink.',
    ]);
  });

  it('changes the LED with each press, whatever was restarted in between', async () => {
    const step = fc.constantFrom('press', 'restart the LED', 'restart the button', 'restart both');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const core = new MemoryCore();
        const blinks = () => core.told(topics.button('SN-1')).at(-1)?.state;
        let led = core.component();
        let button = core.component();
        const startLed = async () => {
          await led.stop();
          led = core.component();
          await runLed(led, silentLed(), blinking);
          await settled();
        };
        const startButton = async () => {
          await button.stop();
          button = core.component();
          const press = await runButton(button);
          await settled();
          return press;
        };
        await startLed();
        let press = await startButton();
        for (const action of steps) {
          if (action === 'press') {
            const before = blinks();
            press();
            await settled();
            expect(blinks()).toBe(!before);
          }
          if (action !== 'press' && action !== 'restart the button') await startLed();
          if (action !== 'press' && action !== 'restart the LED') press = await startButton();
        }
        expect(core.problems).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('can be started before the LED', async () => {
    const core = new MemoryCore();
    const press = await startedAlone(core);
    press();
    await settled();
    await runLed(core.component(), silentLed(), blinking);
    await settled();
    press();
    await settled();
    expect(core.told(topics.button('SN-1'))).toEqual([{ state: true }, { state: false }]);
  });

  it('ignores a message that is none, on one line', async () => {
    const core = new MemoryCore();
    await startedAlone(core);
    core.fromDevice('{"state": 1}');
    expect(core.problems).toEqual([expect.stringContaining('Ignored "{\\"state\\": 1}" on device/button')]);
  });

  it('is pressed by the cloud as by hand, at most once and never late', async () => {
    const core = new MemoryCore();
    const pressed = topics.pressButton('SN-1');
    await runLed(core.component(), silentLed(), blinking);
    const press = await runButton(core.component());
    await settled();
    const blinks = () => core.told(topics.button('SN-1')).map(({ state }) => state);
    core.fromCloud(pressed, '{}');
    await settled();
    press();
    await settled();
    core.fromCloud(pressed, '{}');
    await settled();
    expect(blinks()).toEqual([true, false, true, false]);
    expect(core.atMostOnce).toEqual([pressed]);
    for (const payload of ['', '{', '[]', 'null', '{"state": true}']) core.fromCloud(pressed, payload);
    await settled();
    expect(blinks()).toHaveLength(4);
    expect(core.problems).toHaveLength(5);
    expect(core.problems[4]).toContain(`Ignored "{\\"state\\": true}" on ${pressed}`);
  });

  it('works without a network, and is pressed by the cloud once there is one', async () => {
    const core = new MemoryCore();
    core.offline = true;
    await runLed(core.component(), silentLed(), blinking);
    const heard: string[] = [];
    await core.component().bus.subscribeLocal(topics.localButton(), (payload) => heard.push(String(payload)));
    const press = await runButton(core.component());
    press();
    await settled();
    expect(heard.at(-1)).toBe('{"state":false}');
    core.offline = false;
    core.clock.advance(1_000);
    await settled();
    core.fromCloud(topics.pressButton('SN-1'), '{}');
    await settled();
    expect(heard.at(-1)).toBe('{"state":true}');
  });
});
