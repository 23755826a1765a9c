import type { Base } from '../../plugin.js';
import { key } from '../../store/store.js';
import type { LambdaFunction } from './functions.js';

/** An event that was accepted for asynchronous invocation. */
interface AsyncEvent {
  functionName: string;
  requestId: string;
  payload: string;
  clientContext?: unknown;
  acceptedAt: number;
  failures: number;
  /** Milliseconds since 1970. */
  dueAt: number;
}

/** The events of asynchronous invocations, kept until their function has handled them or failed for good. */
export interface AsyncEvents {
  /** Takes an event; it is kept when this returns. */
  accept(functionName: string, requestId: string, payload: string, clientContext?: unknown): void;
  /** Takes up the events that a process before this one accepted. */
  resume(): void;
  close(): Promise<void>;
}

/** Milliseconds before the second and the third attempt: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const RETRY_DELAYS = [60_000, 120_000] as const;
/** Milliseconds that an event which is throttled is kept. */
const MAXIMUM_AGE = 6 * 3_600_000;
const THROTTLE_DELAY = 1000;

/**
 * @param invoke runs the function; resolves with whether it succeeded, rejects when it could not be run now.
 */
export function asyncEvents(
  { store, clock, log }: Base,
  find: (name: string) => LambdaFunction | undefined,
  invoke: (lambda: LambdaFunction, event: AsyncEvent) => Promise<boolean>,
): AsyncEvents {
  const table = store.table<AsyncEvent>('lambda.asyncEvents');
  const running = new Set<Promise<void>>();
  let isClosed = false;
  const keyOf = ({ functionName, requestId }: AsyncEvent) => key(functionName, requestId);

  function schedule(event: AsyncEvent): void {
    const start = () => {
      if (isClosed) return;
      const attempt = handle(event)
        .catch((error) =>
          log('error', 'An asynchronous event waits for the next start', failure(event, error)),
        )
        .finally(() => running.delete(attempt));
      running.add(attempt);
    };
    if (event.dueAt <= clock.now()) setImmediate(start);
    else clock.after(event.dueAt - clock.now(), start);
  }

  const failure = ({ functionName, requestId }: AsyncEvent, error: unknown) => ({
    functionName,
    requestId,
    error: String(error),
  });

  async function handle(event: AsyncEvent): Promise<void> {
    const lambda = find(event.functionName);
    if (!lambda) return forget(event, 'the function was deleted');
    try {
      if (await invoke(lambda, event)) return forget(event);
      const delay = RETRY_DELAYS[event.failures];
      if (delay === undefined) return forget(event, 'the function failed three times');
      retry({ ...event, failures: event.failures + 1, dueAt: clock.now() + delay });
    } catch (error) {
      if (isClosed) return;
      if (clock.now() - event.acceptedAt > MAXIMUM_AGE) return forget(event, String(error));
      retry({ ...event, dueAt: clock.now() + THROTTLE_DELAY });
    }
  }

  function retry(event: AsyncEvent): void {
    if (isClosed) return;
    table.put(keyOf(event), event);
    schedule(event);
  }

  function forget(event: AsyncEvent, reason?: string): void {
    if (isClosed) return;
    table.delete(keyOf(event));
    if (reason === undefined) return;
    const { functionName, requestId } = event;
    log('warn', 'An asynchronous event is discarded', { functionName, requestId, reason });
  }

  return {
    accept(functionName, requestId, payload, clientContext) {
      const now = clock.now();
      const event: AsyncEvent = {
        functionName,
        requestId,
        payload,
        clientContext,
        acceptedAt: now,
        failures: 0,
        dueAt: now,
      };
      table.put(keyOf(event), event);
      schedule(event);
    },
    resume() {
      for (const [, event] of table.entries()) schedule(event);
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(running);
    },
  };
}
