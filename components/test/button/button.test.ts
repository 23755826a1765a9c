import { execFileSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ButtonConfiguration } from '../../button/src/configuration.js';
import { readThroughChild } from '../../button/src/input-device.js';
import { InputEventParser } from '../../button/src/input-events.js';
import { watchButton } from '../../button/src/watch-button.js';
import { parseConfiguration } from '../../runtime/src/configuration.js';
import { eventually } from '../support/eventually.js';
import { pressRecords } from '../support/input-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { toolFolder } from '../support/tool-folder.js';

const configurationOf = (configuration: unknown) => parseConfiguration(ButtonConfiguration, configuration);

async function deviceFolder(): Promise<{ devfs: string; fifo: string }> {
  const devfs = await temporaryFolder();
  await mkdir(join(devfs, 'input'));
  const fifo = join(devfs, 'input', 'event0');
  execFileSync('mkfifo', [fifo]);
  return { devfs, fifo };
}

async function watching(configuration: unknown, env: NodeJS.ProcessEnv) {
  let presses = 0;
  const button = await watchButton(configurationOf(configuration), { clock: new ManualClock(), env }, () => {
    presses++;
  });
  onTestFinished(() => button.close());
  return { button, presses: () => presses };
}

/** Writes to a FIFO as somebody who opens it, writes and goes. */
async function write(fifo: string, bytes: Uint8Array): Promise<void> {
  const file = await open(fifo, constants.O_WRONLY);
  await file.write(bytes);
  await file.close();
}

describe('a button that is a key of an input device', () => {
  it('is heard press by press, from one writer after the other', async () => {
    const { devfs, fifo } = await deviceFolder();
    const { button, presses } = await watching({}, { DEVFS_PATH: devfs });
    expect(button.name).toBe(`key 148 of ${fifo}`);
    await write(fifo, pressRecords(148, 1_000));
    await eventually(() => expect(presses()).toBe(1));
    await write(fifo, pressRecords(148, 2_000));
    await eventually(() => expect(presses()).toBe(2));
    const torn = pressRecords(148, 3_000);
    await write(fifo, torn.subarray(0, 17));
    await write(fifo, Buffer.concat([torn.subarray(17), pressRecords(30, 4_000), pressRecords(148, 5_000)]));
    await eventually(() => expect(presses()).toBe(4));
  });

  it('can be another key of another device', async () => {
    const { devfs } = await deviceFolder();
    const fifo = join(devfs, 'input', 'event3');
    execFileSync('mkfifo', [fifo]);
    const { presses } = await watching({ button: { device: 'event3', key: 28 } }, { DEVFS_PATH: devfs });
    await write(fifo, Buffer.concat([pressRecords(148, 1_000), pressRecords(28, 2_000)]));
    await eventually(() => expect(presses()).toBe(1));
  });

  it('names the devices that there are when it is not one of them', async () => {
    const { devfs } = await deviceFolder();
    await expect(watching({ button: { device: 'event7' } }, { DEVFS_PATH: devfs })).rejects.toThrow(
      `No input device ${devfs}/input/event7; set button.device in the component's configuration to one of event0`,
    );
    await expect(watching({}, { DEVFS_PATH: join(devfs, 'x') })).rejects.toThrow(
      'this device has none, so set button.gpio',
    );
  });

  it('is neither a file nor a folder', async () => {
    const { devfs } = await deviceFolder();
    await writeFile(join(devfs, 'input', 'event1'), '');
    await expect(watching({ button: { device: 'event1' } }, { DEVFS_PATH: devfs })).rejects.toThrow(
      'neither a character device nor a FIFO',
    );
  });

  it('is read through a child process that ends when asked', async () => {
    const { fifo } = await deviceFolder();
    const source = readThroughChild(openSync(fifo, constants.O_RDWR));
    const parser = new InputEventParser();
    let events = 0;
    source.stream.on('data', (chunk: Buffer) => {
      events += parser.push(chunk).length;
    });
    await write(fifo, pressRecords(148, 1_000));
    await eventually(() => expect(events).toBe(4));
    const closed = new Promise((resolve) => source.stream.once('close', resolve));
    source.close();
    await closed;
  });
});

describe('a button on a GPIO line', () => {
  it('is heard through one gpiomon that holds the line', async () => {
    const path = await toolFolder(
      'gpiomon',
      `process.stdout.write("Monitoring line '27'...\\n");
       const expected = '--banner --edges rising --format %E --debounce-period 30000us --active-low --bias pull-up --chip /dev/gpiochip0 27';
       if (process.argv.slice(2).join(' ') === expected) process.stdout.write('rising\\nfalling\\nrising\\n');
       setInterval(() => {}, 1000);`,
    );
    const gpio = { chip: 'gpiochip0', line: 27, activeLow: true, bias: 'pull-up' };
    const { button, presses } = await watching({ button: { gpio } }, { PATH: path });
    expect(button.name).toBe('the button on line 27 of gpiochip0');
    await eventually(() => expect(presses()).toBe(2));
  });

  it('fails when the tool ends', async () => {
    const path = await toolFolder(
      'gpiomon',
      `process.stdout.write("Monitoring\\n");
       process.stderr.write('gpiomon: error reading line events: No such device\\n');
       process.exitCode = 1;`,
    );
    const { button } = await watching({ button: { gpio: { chip: 'gpiochip0', line: 27 } } }, { PATH: path });
    await expect(button.failed).resolves.toMatchObject({
      message: 'gpiomon ended with code 1: gpiomon: error reading line events: No such device',
    });
  });
});

describe('the button’s configuration', () => {
  it('has defaults', () => {
    expect(configurationOf(undefined)).toEqual({ button: { device: 'event0', key: 148 }, debounce: 30 });
  });

  it.each([
    [{ button: { device: '../mem' } }, 'at button.device: expected a device of /dev/input'],
    [{ button: { device: 'by-path/../../mem' } }, 'at button.device'],
    [{ button: { device: '/etc/passwd' } }, 'at button.device'],
    [{ button: { key: 0 } }, 'at button.key'],
    [{ button: { key: 1.5 } }, 'at button.key'],
    [{ debounce: -1 }, 'at debounce'],
    [{ button: { gpio: { chip: 'gpiochip0' } } }, 'at button.gpio.line'],
  ])('refuses %j, naming the key', (configuration, where) => {
    expect(() => configurationOf(configuration)).toThrow(where);
  });
});
