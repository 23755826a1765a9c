import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeviceError } from '../errors.js';
import type { Layout } from '../layout.js';

/** The LED that small boards have for activity, under the name that Linux gives it there. */
export const DEFAULT_LED = 'ACT';

const ATTRIBUTES = { brightness: '0\n', max_brightness: '1\n', trigger: '[none]\n' };

/**
 * Makes an LED as the kernel's LED class shows it below `/sys/class/leds`, of plain files.
 *
 * @returns the LED's folder
 */
export function plugInLed(layout: Layout, name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9:._-]*$/.test(name)) {
    throw new DeviceError('HARDWARE_ABSENT', `"${name}" cannot be an LED's name.`);
  }
  const folder = join(layout.leds, name);
  mkdirSync(folder, { recursive: true });
  for (const [attribute, value] of Object.entries(ATTRIBUTES)) {
    const path = join(folder, attribute);
    if (attribute === 'brightness' || !existsSync(path)) writeFileSync(path, value);
  }
  return folder;
}
