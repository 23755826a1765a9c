import { join } from 'node:path';
import type { GpioLine, Mounts } from '../../runtime/src/configuration.js';
import { startGpioTool } from '../../runtime/src/gpio-tool.js';
import type { Led } from './led.js';

/** Drives an LED on a GPIO line. One `gpioset` of libgpiod 2 holds the line and is told each change. */
export async function openGpioLed(gpio: GpioLine, { devfs }: Mounts, env: NodeJS.ProcessEnv): Promise<Led> {
  const { chip, line } = gpio;
  const tool = await startGpioTool(
    'gpioset',
    [
      '--interactive',
      ...(gpio.activeLow ? ['--active-low'] : []),
      ...(gpio.bias === 'as-is' ? [] : ['--bias', gpio.bias]),
      '--chip',
      join(devfs, chip),
      `${line}=0`,
    ],
    env,
  );
  return {
    name: `the LED on line ${line} of ${chip}`,
    set: (on) => tool.send(`set ${line}=${on ? 1 : 0}`),
    failed: tool.failed,
    close: async () => {
      tool.send(`set ${line}=0`);
      await tool.stop();
    },
  };
}
