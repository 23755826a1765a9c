import { execFileSync } from 'node:child_process';
import { closeSync, constants, lstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { DeviceError, errnoOf, messageOf } from '../errors.js';
import { type Layout, layoutOf } from '../layout.js';
import { encodeKey, KEY_PROG1 } from './input-event.js';

const EVENT_FILE = 'event0';

/** The button's side of the device: an input event file that components can open and read. */
export interface ButtonDevice {
  readonly path: string;
  close(): void;
}

/**
 * Makes `dev/input/event0`, a FIFO in place of the character device, and holds it open for reading and
 * writing, so that neither the reading component nor a press ever waits for the other.
 *
 * @throws DeviceError HARDWARE_ABSENT
 */
export function plugInButton(layout: Layout): ButtonDevice {
  const path = join(layout.inputEvents, EVENT_FILE);
  try {
    const existing = lstatSync(path, { throwIfNoEntry: false });
    if (existing && !existing.isFIFO()) rmSync(path);
    if (!existing?.isFIFO()) makeFifo(path);
    const handle = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return { path, close: () => closeSync(handle) };
  } catch (error) {
    throw new DeviceError('HARDWARE_ABSENT', `The button ${path} cannot be made: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Node has no call for it, so the system's own program (POSIX) does it. */
function makeFifo(path: string): void {
  execFileSync('/bin/sh', ['-c', 'exec mkfifo -m 600 "$1"', 'sh', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/**
 * Presses and releases the button of a running device.
 *
 * @throws DeviceError NOT_RUNNING when no device runs in the root, HARDWARE_ABSENT when its button jams
 */
export function pressButton(root: string, clock: Clock): void {
  const path = join(layoutOf(root).inputEvents, EVENT_FILE);
  let handle: number;
  try {
    handle = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (!['ENXIO', 'ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
    throw new DeviceError('NOT_RUNNING', `No device is running in ${layoutOf(root).root}; start it first.`);
  }
  try {
    const time = clock.now();
    // One write of less than PIPE_BUF bytes, so that the events of two presses never mix.
    writeSync(handle, Buffer.concat([encodeKey(time, KEY_PROG1, 1), encodeKey(time, KEY_PROG1, 0)]));
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
    throw new DeviceError('HARDWARE_ABSENT', `The button ${path} is jammed: nothing reads its events.`);
  } finally {
    closeSync(handle);
  }
}
