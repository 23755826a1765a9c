import { ButtonMessage, FrequencyMessage, parseMessage, topics } from '@mooring/contracts';
import { measureBlink, pressButton, setFrequency } from '@mooring/pipeline';
import { NotSeen, type Step, see } from '../step.js';
import type { BootedDevice, World } from '../world.js';

/** How far a measured frequency may be from the one asked for: machines are busy. */
const TOLERANCE = 0.25;
/** Whole blinks to measure over. */
const CYCLES = 10;

function firstDevice(world: World): BootedDevice {
  const device = world.devices.get(world.serials.first);
  if (!device) throw new NotSeen('device 1 does not run');
  return device;
}

export const frequency: Step = {
  step: 7,
  name: 'frequency',
  expected: "publishing device/{thing}/frequency changes the LED's measured blink and is answered",
  needs: [5],
  async play(world) {
    const device = firstDevice(world);
    const cloud = await world.topics();
    const answers: number[] = [];
    await cloud.subscribe(topics.frequency(device.thing), (_topic, payload) => {
      const message = parseMessage(FrequencyMessage, payload);
      if (message.ok) answers.push(message.value.frequency);
    });
    const seen: string[] = [];
    for (const hertz of [5, 2]) {
      await setFrequency(cloud, device.thing, hertz);
      see(answers.includes(hertz), `no answer of ${hertz} Hz on ${topics.frequency(device.thing)}`);
      const blink = await measureBlink(device.root, CYCLES, 30, world.signal);
      see(
        blink !== undefined && Math.abs(blink - hertz) <= hertz * TOLERANCE,
        `asked for ${hertz} Hz, the LED blinks at ${blink?.toFixed(2) ?? 'no'} Hz`,
      );
      seen.push(`${hertz} Hz asked, answered, ${blink.toFixed(2)} Hz measured`);
    }
    return seen.join('; ');
  },
};

export const button: Step = {
  step: 8,
  name: 'button',
  expected: 'two presses: {"state":false}, then {"state":true}; the LED stops and blinks again',
  needs: [5],
  async play(world) {
    const device = firstDevice(world);
    const cloud = await world.topics();
    const messages: string[] = [];
    await cloud.subscribe(topics.button(device.thing), (_topic, payload) => {
      if (parseMessage(ButtonMessage, payload).ok) messages.push(Buffer.from(payload).toString('utf8'));
    });
    await pressButton(cloud, world.state, device.thing);
    const stopped = await measureBlink(device.root, 1, 3, world.signal);
    see(stopped === undefined, `after the first press the LED still blinks at ${stopped?.toFixed(2)} Hz`);
    await pressButton(cloud, world.state, device.thing);
    const again = await measureBlink(device.root, 2, 30, world.signal);
    see(again !== undefined, 'after the second press the LED does not blink');
    const states = messages.map((text) => JSON.stringify(JSON.parse(text)));
    see(
      states.join() === '{"state":false},{"state":true}',
      `the device told ${states.join(', ') || 'nothing'}`,
    );
    return `${states.join(', then ')}; no blink in 3 s, then ${again.toFixed(2)} Hz`;
  },
};
