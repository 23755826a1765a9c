import { setTimeout as delay } from 'node:timers/promises';
import { NotSeen } from './step.js';

/**
 * Looks again and again until something is seen.
 *
 * @param what it waits for; told when it never comes.
 * @param look what was looked at is ready when it is not undefined.
 * @param timeout seconds; generous, as it only ends what never comes.
 * @throws NotSeen naming what was waited for.
 */
export async function until<T>(
  what: string | (() => string),
  look: () => Promise<T | undefined>,
  signal: AbortSignal,
  timeout = 60,
): Promise<T> {
  const end = performance.now() + timeout * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    const told = () => (typeof what === 'string' ? what : what());
    if (signal.aborted) throw new NotSeen(`${told()}: interrupted`);
    if (performance.now() > end) throw new NotSeen(`${told()}: not seen within ${timeout} s`);
    await delay(100);
  }
}
