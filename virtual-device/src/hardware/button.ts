import { execFileSync } from 'node:child_process';
import { closeSync, constants, lstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isTaken } from '../agent-lock.js';
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
 * Makes `dev/input/event0`, a FIFO in place of the character device, and holds it open for writing, so that
 * a component that opens it does not wait for a press, nor sees an end. It is not held for reading: as with
 * the character device, a press that nobody listens to is gone, and not kept for who comes later.
 *
 * @throws DeviceError HARDWARE_ABSENT
 */
export function plugInButton(layout: Layout): ButtonDevice {
  const path = join(layout.inputEvents, EVENT_FILE);
  try {
    const existing = lstatSync(path, { throwIfNoEntry: false });
    if (existing && !existing.isFIFO()) rmSync(path);
    if (!existing?.isFIFO()) makeFifo(path);
    // Without a reader it can be opened for writing only by who reads as well.
    const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      const handle = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      return { path, close: () => closeSync(handle) };
    } finally {
      closeSync(both);
    }
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
 * @returns whether a component listens; if none does, the press is lost
 * @throws DeviceError NOT_RUNNING when no device runs in the root, HARDWARE_ABSENT when its button jams
 */
export function pressButton(root: string, clock: Clock): boolean {
  const layout = layoutOf(root);
  if (!isTaken(layout)) {
    throw new DeviceError('NOT_RUNNING', `No device is running in ${layout.root}; start it first.`);
  }
  const path = join(layout.inputEvents, EVENT_FILE);
  let handle: number | undefined;
  try {
    handle = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const time = clock.now();
    // One write of less than PIPE_BUF bytes, so that the events of two presses never mix.
    writeSync(handle, Buffer.concat([encodeKey(time, KEY_PROG1, 1), encodeKey(time, KEY_PROG1, 0)]));
    return true;
  } catch (error) {
    switch (errnoOf(error)) {
      case 'ENXIO':
      case 'EPIPE':
        return false; // Nobody has opened it, or not any more.
      case 'ENOENT':
        throw new DeviceError('NOT_RUNNING', `The device in ${layout.root} is still starting; try again.`);
      case 'EAGAIN':
        throw new DeviceError('HARDWARE_ABSENT', `The button ${path} is jammed: nothing reads its events.`);
      default:
        throw error;
    }
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
