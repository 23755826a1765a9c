import { type Mounts, mountsOf } from '../../runtime/src/configuration.js';
import type { ComponentError } from '../../runtime/src/errors.js';
import type { LedConfiguration } from './configuration.js';
import { openGpioLed } from './gpio-led.js';
import { openSysfsLed } from './sysfs-led.js';

export interface Led {
  /** How people call it, for the log. */
  readonly name: string;
  /** @throws ComponentError `HARDWARE` when the LED is gone */
  set(on: boolean): void;
  /** Resolves when the LED can no longer be driven and nobody wrote to notice; never for most. */
  readonly failed: Promise<ComponentError>;
  /** Switches it off and gives it back. */
  close(): Promise<void>;
}

/** Opens the LED that the configuration names. @throws ComponentError `HARDWARE`, saying what is there */
export async function openLed(configuration: LedConfiguration['led'], env: NodeJS.ProcessEnv): Promise<Led> {
  const mounts: Mounts = mountsOf(env);
  return configuration.gpio
    ? openGpioLed(configuration.gpio, mounts, env)
    : openSysfsLed(configuration.class, mounts);
}
