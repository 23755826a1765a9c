import { join } from 'node:path';
import type { GpioLine, Mounts } from '../../runtime/src/configuration.js';
import type { ComponentError } from '../../runtime/src/errors.js';
import { type GpioTool, startGpioTool } from '../../runtime/src/gpio-tool.js';
import type { Led } from './led.js';

/**
 * Drives an LED on a GPIO line. A `gpioset` of libgpiod 2 holds the line at each level until the next takes its
 * place: Debian builds it without the interactive mode, in which one could be told each change. A level that
 * came and went while the last change was under way is left out.
 */
export async function openGpioLed(gpio: GpioLine, { devfs }: Mounts, env: NodeJS.ProcessEnv): Promise<Led> {
  const { chip, line } = gpio;
  const hold = (on: boolean) =>
    startGpioTool(
      'gpioset',
      [
        '--banner',
        ...(gpio.activeLow ? ['--active-low'] : []),
        ...(gpio.bias === 'as-is' ? [] : ['--bias', gpio.bias]),
        '--chip',
        join(devfs, chip),
        `${line}=${on ? 1 : 0}`,
      ],
      env,
    );
  let reportFailure: (error: ComponentError) => void = () => {};
  const failed = new Promise<ComponentError>((resolve) => {
    reportFailure = resolve;
  });
  let tool: GpioTool = await hold(false);
  void tool.failed.then(reportFailure);
  let shown = false;
  let wanted = false;
  let changing: Promise<void> | undefined;
  const change = async () => {
    while (shown !== wanted) {
      const next = wanted;
      await tool.stop();
      tool = await hold(next);
      void tool.failed.then(reportFailure);
      shown = next;
    }
  };
  const set = (on: boolean) => {
    wanted = on;
    changing ??= change()
      .catch(reportFailure)
      .finally(() => {
        changing = undefined;
      });
  };
  return {
    name: `the LED on line ${line} of ${chip}`,
    set,
    failed,
    close: async () => {
      set(false);
      await changing;
      await tool.stop();
    },
  };
}
