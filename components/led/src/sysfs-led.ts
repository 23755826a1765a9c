import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Mounts } from '../../runtime/src/configuration.js';
import { ComponentError, errnoOf, reasonOf } from '../../runtime/src/errors.js';
import type { Led } from './led.js';

/**
 * Opens an LED of the kernel's LED class (Documentation/leds/leds-class.rst): takes it from whatever
 * triggers it, and from then on lights it with its `max_brightness`.
 *
 * @throws ComponentError `HARDWARE` when there is no such LED (naming those that there are) or it may not
 *   be written
 */
export function openSysfsLed(name: string, { sysfs }: Mounts): Led {
  const leds = join(sysfs, 'class', 'leds');
  const access = <T>(attribute: string, work: (path: string) => T): T => {
    const path = join(leds, name, attribute);
    try {
      return work(path);
    } catch (error) {
      throw new ComponentError('HARDWARE', problemWith(name, leds, path, error), { cause: error });
    }
  };
  const brightest = access('max_brightness', (path) => readFileSync(path, 'utf8').trim());
  if (!/^[1-9]\d{0,9}$/.test(brightest)) {
    throw new ComponentError('HARDWARE', `max_brightness of the LED ${name} is "${brightest}", not a number`);
  }
  access('trigger', (path) => writeAttribute(path, 'none'));
  const set = (on: boolean) => access('brightness', (path) => writeAttribute(path, on ? brightest : '0'));
  set(false);
  return {
    name: `the LED ${name}`,
    set,
    failed: new Promise(() => {}),
    close: async () => set(false),
  };
}

/** Writes a sysfs attribute, which exists already, in the one write that sysfs asks for. */
function writeAttribute(path: string, value: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(file, `${value}\n`);
  } finally {
    closeSync(file);
  }
}

function problemWith(name: string, leds: string, path: string, error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `No LED ${name}: ${path} does not exist; ${ledsIn(leds)}`;
    case 'EACCES':
    case 'EPERM':
      return `The LED ${name} may not be used: ${path} is not writable for this user; run the component with RequiresPrivilege`;
    default:
      return `The LED ${name} does not work: ${reasonOf(error)}`;
  }
}

function ledsIn(folder: string): string {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    names = [];
  }
  return names.length > 0
    ? `set led.class in the component's configuration to one of ${names.join(', ')}`
    : `this device has none, so set led.gpio in the component's configuration`;
}
