import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between two looks; short against the slowest blinking worth waiting for. */
const INTERVAL = 10;

/**
 * Measures how often a virtual device's LED blinks, by watching its brightness in the device's `/sys`.
 *
 * @param cycles whole on-off cycles to measure over.
 * @param limit seconds after which it gives up.
 * @returns hertz, or undefined when the LED did not go through them in time, or before `signal` was aborted.
 */
export async function measureBlink(
  deviceRoot: string,
  cycles: number,
  limit: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  let lit: boolean | undefined;
  const rises: number[] = [];
  // Not AbortSignal.any of a timeout: Node.js 20 may collect the timeout, which then never comes.
  const end = performance.now() + limit * 1000;
  while (!signal.aborted && performance.now() < end) {
    const now = await isLit(deviceRoot);
    if (now === true && lit === false) rises.push(performance.now());
    lit = now ?? lit;
    const [first, last] = [rises[0], rises.at(-1)];
    if (first !== undefined && last !== undefined && rises.length > cycles) {
      return (cycles * 1000) / (last - first);
    }
    await delay(INTERVAL);
  }
  return undefined;
}

async function isLit(deviceRoot: string): Promise<boolean | undefined> {
  const leds = join(deviceRoot, 'sys/class/leds');
  try {
    const [name] = await readdir(leds);
    if (name === undefined) return undefined;
    const text = (await readFile(join(leds, name, 'brightness'), 'utf8')).trim();
    // A writer truncates before it writes: an empty file is a look at a bad moment.
    return text === '' ? undefined : text !== '0';
  } catch {
    return undefined;
  }
}
