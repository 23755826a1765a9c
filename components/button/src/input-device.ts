import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../../runtime/src/clock.js';
import type { Mounts } from '../../runtime/src/configuration.js';
import { ComponentError, errnoOf, reasonOf } from '../../runtime/src/errors.js';
import type { Button } from './button.js';
import { InputEventParser } from './input-events.js';
import { PressDetector } from './press-detector.js';

/**
 * Watches a key of a Linux input device (Documentation/input/input.rst). What is read may also be a FIFO
 * that carries the same records; it may come to its end and be written again.
 *
 * @throws ComponentError `HARDWARE` when there is no such device (naming those that there are) or it may
 *   not be read
 */
export function watchInputDevice(
  { device, key }: { readonly device: string; readonly key: number },
  debounce: number,
  { devfs }: Mounts,
  clock: Clock,
  onPress: () => void,
): Button {
  const folder = join(devfs, 'input');
  const path = join(folder, device);
  let source: EventSource;
  try {
    source = openEventSource(path);
  } catch (error) {
    throw new ComponentError('HARDWARE', problemWith(path, folder, error), { cause: error });
  }
  const parser = new InputEventParser();
  const detector = new PressDetector(key, debounce, clock);
  source.stream.on('data', (chunk: Buffer) => {
    for (const event of parser.push(chunk)) if (detector.press(event)) onPress();
  });
  let closed = false;
  const failed = new Promise<ComponentError>((resolve) => {
    const gone = (reason: string) => {
      if (!closed) resolve(new ComponentError('HARDWARE', `The input device ${path} is gone${reason}`));
    };
    source.stream.once('error', (error) => gone(` (${error.message})`));
    source.stream.once('close', () => gone(''));
  });
  return {
    name: `key ${key} of ${path}`,
    failed,
    close: async () => {
      closed = true;
      source.close();
    },
  };
}

interface EventSource {
  readonly stream: Readable;
  close(): void;
}

function openEventSource(path: string): EventSource {
  const { O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
  // Without O_NONBLOCK, opening a FIFO would wait for its first writer.
  const fd = openSync(path, O_RDONLY | O_NONBLOCK);
  const kind = fstatSync(fd);
  if (kind.isCharacterDevice()) {
    closeSync(fd);
    return readThroughChild(openSync(path, O_RDONLY));
  }
  closeSync(fd);
  if (!kind.isFIFO()) throw new Error('neither a character device nor a FIFO');
  // A writer of our own keeps the FIFO open when the others have gone.
  const socket = new Socket({ fd: openSync(path, O_RDWR | O_NONBLOCK), readable: true, writable: false });
  return { stream: socket, close: () => void socket.destroy() };
}

/**
 * Reads a character device through `cat`, which copies each read as it comes. Node.js itself can only read
 * one on its thread pool, where a read that waits for a key cannot be called off, and holds up the exit of
 * the process until somebody presses it.
 *
 * @param fd open for reading, blocking; closed here
 */
export function readThroughChild(fd: number): EventSource {
  const child = spawn('cat', { stdio: [fd, 'pipe', 'inherit'] });
  closeSync(fd);
  const { stdout } = child;
  if (!stdout) throw new Error('cat gave no output');
  child.once('error', (error) => stdout.destroy(error));
  return { stream: stdout, close: () => void child.kill() };
}

function problemWith(path: string, folder: string, error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `No input device ${path}; ${devicesIn(folder)}`;
    case 'EACCES':
    case 'EPERM':
      return `The input device ${path} is not readable for this user; run the component with RequiresPrivilege`;
    default:
      return `The input device ${path} does not work: ${reasonOf(error)}`;
  }
}

function devicesIn(folder: string): string {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith('event'));
  } catch {
    names = [];
  }
  return names.length > 0
    ? `set button.device in the component's configuration to one of ${names.sort().join(', ')}`
    : `this device has none, so set button.gpio in the component's configuration`;
}
