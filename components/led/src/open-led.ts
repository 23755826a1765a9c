import { type Mounts, mountsOf } from '../../runtime/src/configuration.js';
import type { LedConfiguration } from './configuration.js';
import { openGpioLed } from './gpio-led.js';
import type { Led } from './led.js';
import { openSysfsLed } from './sysfs-led.js';

/** Opens the LED that the configuration names. @throws ComponentError `HARDWARE`, saying what is there */
export async function openLed(configuration: LedConfiguration['led'], env: NodeJS.ProcessEnv): Promise<Led> {
  const mounts: Mounts = mountsOf(env);
  return configuration.gpio
    ? openGpioLed(configuration.gpio, mounts, env)
    : openSysfsLed(configuration.class, mounts);
}
