import type { Bus, Payload } from './bus.js';
import type { Clock } from './clock.js';
import { reasonOf } from './errors.js';
import type { Log } from './log.js';

/**
 * Keeps a subscription to a topic of IoT Core. A core device without a network may refuse it, or end it,
 * and what a component does on the device itself must not wait for the cloud; so this tries again, at
 * intervals that grow from one second to one minute, until `stopping`.
 *
 * @param onSubscribed called each time that the subscription stands
 * @param qos as {@link Bus.subscribeToCloud} takes it
 */
export async function keepSubscribed(
  subscription: {
    readonly topic: string;
    readonly onMessage: (payload: Payload) => void;
    readonly onSubscribed?: () => void;
    readonly qos?: 0 | 1;
  },
  { bus, clock, log, stopping }: { bus: Bus; clock: Clock; log: Log; stopping: AbortSignal },
): Promise<void> {
  const { topic, onMessage, onSubscribed, qos = 1 } = subscription;
  let delay = FIRST_RETRY_MS;
  while (!stopping.aborted) {
    try {
      const { ended } = await bus.subscribeToCloud(topic, onMessage, { qos });
      delay = FIRST_RETRY_MS;
      onSubscribed?.();
      await Promise.race([ended, aborted(stopping)]);
      if (!stopping.aborted) log.problem(`The subscription to ${topic} ended; subscribes again.`);
    } catch (error) {
      if (stopping.aborted) return;
      log.problem(`${reasonOf(error)}. Tries again in ${delay / 1000} s.`);
    }
    await Promise.race([elapsed(clock, delay), aborted(stopping)]);
    delay = Math.min(delay * 2, LAST_RETRY_MS);
  }
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

function elapsed(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delay, resolve);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
