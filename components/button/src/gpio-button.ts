import { join } from 'node:path';
import type { GpioLine, Mounts } from '../../runtime/src/configuration.js';
import { startGpioTool } from '../../runtime/src/gpio-tool.js';
import type { Button } from './button.js';

/**
 * Watches a button on a GPIO line. One `gpiomon` of libgpiod 2 holds the line and tells its edges; the
 * kernel debounces it.
 *
 * @param debounce milliseconds
 */
export async function watchGpioButton(
  gpio: GpioLine,
  debounce: number,
  { devfs }: Mounts,
  env: NodeJS.ProcessEnv,
  onPress: () => void,
): Promise<Button> {
  const { chip, line } = gpio;
  const tool = await startGpioTool(
    'gpiomon',
    [
      '--banner',
      ...['--edges', 'rising'],
      ...['--format', '%E'],
      ...(debounce > 0 ? ['--debounce-period', `${Math.round(debounce * 1000)}us`] : []),
      ...(gpio.activeLow ? ['--active-low'] : []),
      ...(gpio.bias === 'as-is' ? [] : ['--bias', gpio.bias]),
      ...['--chip', join(devfs, chip)],
      String(line),
    ],
    env,
    (output) => {
      if (output === 'rising') onPress();
    },
  );
  return {
    name: `the button on line ${line} of ${chip}`,
    failed: tool.failed,
    close: () => tool.stop(),
  };
}
