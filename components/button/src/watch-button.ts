import type { Clock } from '../../runtime/src/clock.js';
import { mountsOf } from '../../runtime/src/configuration.js';
import type { Button } from './button.js';
import type { ButtonConfiguration } from './configuration.js';
import { watchGpioButton } from './gpio-button.js';
import { watchInputDevice } from './input-device.js';

/**
 * Watches the button that the configuration names.
 *
 * @param onPress called once for each press
 * @throws ComponentError `HARDWARE`, saying what is there
 */
export async function watchButton(
  { button, debounce }: ButtonConfiguration,
  { clock, env }: { readonly clock: Clock; readonly env: NodeJS.ProcessEnv },
  onPress: () => void,
): Promise<Button> {
  const mounts = mountsOf(env);
  return button.gpio
    ? watchGpioButton(button.gpio, debounce, mounts, env, onPress)
    : watchInputDevice(button, debounce, mounts, clock, onPress);
}
