import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { observeLed } from '../../src/hardware/led-observer.js';
import { plugInLed } from '../../src/hardware/leds.js';
import { makeLayout } from '../../src/layout.js';
import { temporaryFolder } from '../support/fixtures.js';

it('measures how fast an LED blinks, and sees that it has stopped', async () => {
  const layout = makeLayout(join(temporaryFolder(), 'v2'));
  const brightness = join(plugInLed(layout, 'ACT'), 'brightness');
  let time = 0;
  const observer = observeLed(layout.root, 'ACT', { now: () => time, after: () => ({ cancel: () => {} }) });
  onTestFinished(() => observer.close());
  expect(observer.view()).toEqual({ on: false, blinking: false, frequencyHz: undefined });
  const toggle = async (on: boolean) => {
    const changed = new Promise<void>((resolve) => {
      const off = observer.onChange((view) => {
        if (view.on !== on) return;
        off();
        resolve();
      });
    });
    writeFileSync(brightness, on ? '1' : '0');
    await changed;
  };
  for (let half = 0; half < 12; half++) {
    await toggle(half % 2 === 0);
    time += 250;
  }
  expect(observer.view()).toEqual({ on: false, blinking: true, frequencyHz: 2 });
  time += 1_000;
  expect(observer.view()).toEqual({ on: false, blinking: false, frequencyHz: undefined });
});

it('refuses a name that leads elsewhere', () => {
  const layout = makeLayout(join(temporaryFolder(), 'v2'));
  expect(() => plugInLed(layout, '../x')).toThrow(/cannot be an LED's name/);
});
