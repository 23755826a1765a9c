import type { Clock } from '../../clock.js';
import type { Messages, StoredMessage } from './messages.js';
import type { Queue } from './queues.js';

export interface Reception {
  readonly most: number;
  /** Seconds. */
  readonly visibilityTimeout: number;
  /** Seconds that may pass until there is a message. */
  readonly wait: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Receives messages, and waits for some where that is wanted (SQS developer guide, "Amazon SQS short and long polling"). */
export interface Receiver {
  receive(queue: () => Queue, reception: Reception): Promise<(StoredMessage & { receiptHandle: string })[]>;
  /** Sends home all who wait. */
  close(): void;
}

export function receiver(messages: Messages, clock: Clock): Receiver {
  const closing = new AbortController();

  /** Waits until there may be something to receive, `until` at the latest. */
  function change(queue: Queue, until: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const next = messages.nextVisible(queue) ?? until;
      const timer = clock.after(Math.min(next, until) - clock.now(), finish);
      const unlisten = messages.listen(queue, finish);
      signal.addEventListener('abort', finish, { once: true });
      closing.signal.addEventListener('abort', finish, { once: true });
      function finish() {
        timer.cancel();
        unlisten();
        signal.removeEventListener('abort', finish);
        closing.signal.removeEventListener('abort', finish);
        resolve();
      }
    });
  }

  return {
    async receive(current, { most, visibilityTimeout, wait, signal }) {
      const until = clock.now() + wait * 1000;
      for (;;) {
        if (signal.aborted || closing.signal.aborted) return [];
        const queue = current();
        const taken = messages.take(queue, most, visibilityTimeout);
        if (taken.length > 0 || clock.now() >= until) return taken;
        await change(queue, until, signal);
      }
    },
    close: () => closing.abort(),
  };
}
