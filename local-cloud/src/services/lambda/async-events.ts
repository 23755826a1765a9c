import type { Base } from '../../plugin.js';
import { key } from '../../store/store.js';
import type { AsyncResponse, AsyncResult, TellResult } from './async-records.js';
import type { EventInvokeConfigs } from './event-invoke-config.js';
import type { LambdaFunction } from './functions.js';

/** An event that was accepted for asynchronous invocation. */
interface AsyncEvent {
  functionName: string;
  requestId: string;
  payload: string;
  clientContext?: unknown;
  acceptedAt: number;
  failures: number;
  /** How often in a row there was no place for it. */
  throttles?: number;
  /** What the function said last. */
  response?: AsyncResponse;
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
/** Milliseconds before an event that was throttled is tried again: at first, and at most. */
const THROTTLE_DELAYS = { first: 1000, longest: 300_000 } as const;

export interface AsyncEventsNeeds {
  readonly find: (name: string) => LambdaFunction | undefined;
  readonly configOf: EventInvokeConfigs['of'];
  /** Runs the function; rejects when it could not be run now. */
  readonly invoke: (lambda: LambdaFunction, event: AsyncEvent) => Promise<AsyncResponse>;
  readonly tell: TellResult;
}

export function asyncEvents({ store, clock, log }: Base, needs: AsyncEventsNeeds): AsyncEvents {
  const { find, configOf, invoke, tell } = needs;
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
    const config = configOf(lambda.name);
    const maximumAge = config?.maximumEventAge === undefined ? MAXIMUM_AGE : config.maximumEventAge * 1000;
    if (clock.now() - event.acceptedAt > maximumAge) return end(lambda, event, 'EventAgeExceeded');
    let response: AsyncResponse;
    try {
      const { payload, functionError } = await invoke(lambda, event);
      response = { payload, functionError };
    } catch {
      const { throttles = 0 } = event;
      const delay = Math.min(THROTTLE_DELAYS.first * 2 ** throttles, THROTTLE_DELAYS.longest);
      return retry({ ...event, throttles: throttles + 1, dueAt: clock.now() + delay });
    }
    if (isClosed) return;
    const { functionError } = response;
    if (functionError === undefined) return end(lambda, { ...event, response }, 'Success');
    const failures = event.failures + 1;
    const delay = RETRY_DELAYS[event.failures];
    const retries = config?.maximumRetryAttempts ?? RETRY_DELAYS.length;
    if (failures > retries || delay === undefined) {
      return end(lambda, { ...event, failures, response }, 'RetriesExhausted');
    }
    retry({ ...event, failures, response, throttles: 0, dueAt: clock.now() + delay });
  }

  /** Told before it is forgotten: a process that is killed in between tells it twice rather than never. */
  async function end(
    lambda: LambdaFunction,
    event: AsyncEvent,
    condition: AsyncResult['condition'],
  ): Promise<void> {
    const { requestId, payload, failures, response } = event;
    const invocations = failures + (condition === 'Success' ? 1 : 0);
    await tell(lambda, { condition, requestId, payload, invocations, response });
    if (condition === 'Success') return forget(event);
    const failed = `the function failed ${failures === 1 ? 'once' : `${failures} times`}`;
    forget(event, condition === 'RetriesExhausted' ? failed : 'it became too old');
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
        throttles: 0,
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
