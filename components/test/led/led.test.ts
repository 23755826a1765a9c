import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LedConfiguration } from '../../led/src/configuration.js';
import { openLed } from '../../led/src/open-led.js';
import { parseConfiguration } from '../../runtime/src/configuration.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { toolFolder } from '../support/tool-folder.js';

async function sysfsWith(leds: Record<string, { max_brightness: string }>): Promise<string> {
  const sysfs = await temporaryFolder();
  for (const [name, { max_brightness }] of Object.entries(leds)) {
    const folder = join(sysfs, 'class', 'leds', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'max_brightness'), max_brightness);
    await writeFile(join(folder, 'brightness'), '77\n');
    await writeFile(join(folder, 'trigger'), 'none [heartbeat] timer\n');
  }
  return sysfs;
}

describe('an LED of the LED class', () => {
  it('is taken from its trigger and lit with its full brightness', async () => {
    const sysfs = await sysfsWith({ ACT: { max_brightness: '255\n' } });
    const read = (file: string) => readFile(join(sysfs, 'class', 'leds', 'ACT', file), 'utf8');
    const led = await openLed({ class: 'ACT', gpio: undefined }, { SYSFS_PATH: sysfs });
    expect(await read('trigger')).toBe('none\n');
    expect(await read('brightness')).toBe('0\n');
    led.set(true);
    expect(await read('brightness')).toBe('255\n');
    led.set(false);
    expect(await read('brightness')).toBe('0\n');
    led.set(true);
    await led.close();
    expect(await read('brightness')).toBe('0\n');
  });

  it('names the LEDs that there are when it is not one of them', async () => {
    const sysfs = await sysfsWith({ PWR: { max_brightness: '1' }, 'mmc0::': { max_brightness: '1' } });
    await expect(openLed({ class: 'ACT', gpio: undefined }, { SYSFS_PATH: sysfs })).rejects.toThrow(
      `No LED ACT: ${sysfs}/class/leds/ACT/max_brightness does not exist; set led.class in the component's configuration to one of PWR, mmc0::`,
    );
    await expect(
      openLed({ class: 'ACT', gpio: undefined }, { SYSFS_PATH: join(sysfs, 'x') }),
    ).rejects.toThrow('this device has none, so set led.gpio');
  });

  it('refuses a brightness that is no number', async () => {
    const sysfs = await sysfsWith({ ACT: { max_brightness: 'bright' } });
    await expect(openLed({ class: 'ACT', gpio: undefined }, { SYSFS_PATH: sysfs })).rejects.toThrow(
      'max_brightness of the LED ACT is "bright", not a number',
    );
  });
});

describe('an LED on a GPIO line', () => {
  const gpio = { chip: 'gpiochip0', line: 17, activeLow: true, bias: 'as-is' } as const;

  it('is driven by a gpioset for each level, which holds the line alone', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'out');
    const path = await toolFolder(
      'gpioset',
      `const { appendFileSync, mkdirSync, rmdirSync } = require('node:fs');
       // The kernel gives a line to one process only.
       const line = ${JSON.stringify(join(folder, 'line'))};
       try { mkdirSync(line); } catch { process.stderr.write('busy'); process.exit(1); }
       process.once('SIGTERM', () => { rmdirSync(line); process.exit(); });
       appendFileSync(${JSON.stringify(out)}, process.argv.slice(2).join(' ') + '\\n');
       process.stdout.write('holds the line');
       setInterval(() => {}, 1e6);`,
    );
    const led = await openLed({ gpio, class: undefined }, { PATH: path });
    const holding = (...levels: number[]) =>
      eventually(async () =>
        expect((await readFile(out, 'utf8')).split('\n')).toEqual([
          ...levels.map((level) => `--banner --active-low --chip /dev/gpiochip0 17=${level}`),
          '',
        ]),
      );
    await holding(0);
    led.set(true);
    await holding(0, 1);
    led.set(false);
    await holding(0, 1, 0);
    // What cannot be seen any more is not shown: the last level counts.
    for (const on of [true, false, true, false, true]) led.set(on);
    await eventually(async () => expect((await readFile(out, 'utf8')).trim().endsWith('17=1')).toBe(true));
    await led.close();
    expect((await readFile(out, 'utf8')).trim().endsWith('17=0')).toBe(true);
    await expect(Promise.race([led.failed, Promise.resolve('works')])).resolves.toBe('works');
  });

  it('says in the tool’s words why the line cannot be held, and what to install when there is no tool', async () => {
    const path = await toolFolder(
      'gpioset',
      `process.stderr.write("gpioset: cannot find chip '/dev/gpiochip0'\\n"); process.exit(1);`,
    );
    await expect(openLed({ gpio, class: undefined }, { PATH: path })).rejects.toThrow(
      "gpioset ended with code 1: gpioset: cannot find chip '/dev/gpiochip0'",
    );
    const old = await toolFolder(
      'gpioset',
      `process.stderr.write("gpioset: unrecognized option '--banner'\\n"); process.exit(1);`,
    );
    await expect(openLed({ gpio, class: undefined }, { PATH: old })).rejects.toThrow(
      "gpioset ended with code 1: gpioset: unrecognized option '--banner'; install the tools of libgpiod 2",
    );
    await expect(openLed({ gpio, class: undefined }, { PATH: await temporaryFolder() })).rejects.toThrow(
      'gpioset is not installed; install the tools of libgpiod 2',
    );
  });

  it('fails when the tool ends', async () => {
    const path = await toolFolder(
      'gpioset',
      `process.stdout.write('holds the line');
       setTimeout(() => process.exit(3), 20);`,
    );
    const led = await openLed({ gpio, class: undefined }, { PATH: path });
    await expect(led.failed).resolves.toMatchObject({
      code: 'HARDWARE',
      message: 'gpioset ended with code 3',
    });
    await led.close();
  });
});

describe('the LED’s configuration', () => {
  const parse = (configuration: unknown) => parseConfiguration(LedConfiguration, configuration);

  it('takes the recipe’s defaults, and leaves other keys alone', () => {
    expect(parse({ led: { class: 'ACT' }, accessControl: {} })).toEqual({
      led: { class: 'ACT', gpio: undefined },
      frequency: 2,
      telemetry: { interval: 60 },
    });
  });

  it('prefers a GPIO line that a deployment merged in', () => {
    expect(parse({ led: { class: 'ACT', gpio: { chip: 'gpiochip0', line: 17 } }, frequency: 5 })).toEqual({
      led: { class: undefined, gpio: { chip: 'gpiochip0', line: 17, activeLow: false, bias: 'as-is' } },
      frequency: 5,
      telemetry: { interval: 60 },
    });
  });

  it.each([
    [{}, 'at led: '],
    [{ led: {} }, 'at led: name the LED'],
    [{ led: { class: '../../etc' } }, 'at led.class: expected the name of an LED'],
    [{ led: { class: '..' } }, 'at led.class: expected the name of an LED'],
    [{ led: { gpio: { chip: '/dev/mem', line: 1 } } }, 'at led.gpio.chip: expected a chip of /dev'],
    [{ led: { gpio: { chip: 'gpiochip0', line: -1 } } }, 'at led.gpio.line: '],
    [{ led: { class: 'ACT' }, frequency: 51 }, 'at frequency: '],
    ['text', ': '],
  ])('refuses %j, naming the key', (configuration, where) => {
    expect(() => parse(configuration)).toThrow(where);
    expect(() => parse(configuration)).toThrow('correct it in the deployment');
  });
});
