import { randomUUID } from 'node:crypto';
import type { Base } from '../../../plugin.js';
import type { LogWriter } from '../../cloudwatch-logs/writer.js';
import type { LambdaFunction } from '../functions.js';
import { InvocationLog } from './invocation-log.js';
import type { BootstrapMessage, FunctionFailure } from './messages.js';
import type { Lease, SandboxPool } from './pool.js';
import type { SandboxEvent } from './sandbox.js';

/** How an invocation of a function ended. */
export interface Outcome {
  /** JSON: the handler's result, or the error as `{errorType, errorMessage, trace}`. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
  /** The last 4 KB of the log, in base64. */
  readonly logTail: string;
}

/** Runs functions. */
export interface Executor {
  /**
   * @param event JSON.
   * @param clientContext what a mobile SDK tells of its app, as parsed JSON.
   * @throws TooManyRequestsException
   */
  run(lambda: LambdaFunction, requestId: string, event: string, clientContext?: unknown): Promise<Outcome>;
  /** Waits until the invocations under way have written their logs; their processes are to be ended before. */
  close(): Promise<void>;
}

/** Milliseconds for loading a function's code: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT = 10_000;

/** What came of one step of an invocation. */
type Step =
  | {
      kind: 'message';
      message: Extract<BootstrapMessage, { type: 'ready' | 'initError' | 'result' | 'error' }>;
    }
  | { kind: 'ended'; reason: string }
  | { kind: 'timeout' };

export function functionExecutor({ clock }: Base, pool: SandboxPool, logs: LogWriter): Executor {
  /** Waits for what ends a step; kills the process when that takes longer than `limit` milliseconds. */
  function step(lease: Lease, log: InvocationLog, limit: number, begin?: () => void): Promise<Step> {
    return new Promise((resolve) => {
      const { sandbox } = lease;
      let isLate = false;
      const timer = clock.after(limit, () => {
        isLate = true;
        sandbox.kill();
      });
      // Not `sandbox.ended`: a promise keeps what waits for it, which for a process that is kept warm would be every
      // event it ever had.
      const unlisten = sandbox.listen({
        receive(message) {
          if (message.type === 'log') log.event(message.text);
          else if (message.type === 'output') log.output(message.text);
          else if (!isLate) finish({ kind: 'message', message });
        },
        ended: (reason) => finish(isLate ? { kind: 'timeout' } : { kind: 'ended', reason }),
      });
      const finish = (outcome: Step) => {
        timer.cancel();
        unlisten();
        resolve(outcome);
      };
      begin?.();
    });
  }

  async function run(
    lease: Lease,
    lambda: LambdaFunction,
    log: InvocationLog,
    event: SandboxEvent,
  ): Promise<{ payload?: string; failure?: FunctionFailure; isReusable: boolean }> {
    const { requestId } = event;
    let initDuration = '';
    if (lease.isCold) {
      const loaded = await step(lease, log, INIT_LIMIT);
      if (loaded.kind === 'message' && loaded.message.type === 'ready') {
        initDuration = `\tInit Duration: ${loaded.message.duration.toFixed(2)} ms`;
      } else {
        log.platform(`START RequestId: ${requestId} Version: $LATEST`);
        const failure = failureOf(loaded, requestId, INIT_LIMIT / 1000);
        if (loaded.kind === 'timeout') log.platform(timeoutLine(requestId, INIT_LIMIT / 1000));
        report(log, lambda, requestId, 0, 0, '');
        return { failure, isReusable: false };
      }
    }
    log.platform(`START RequestId: ${requestId} Version: $LATEST`);
    const started = performance.now();
    const done = await step(lease, log, lambda.timeout * 1000, () => lease.sandbox.send(event));
    const duration = performance.now() - started;
    const memory = done.kind === 'message' && 'memory' in done.message ? done.message.memory : 0;
    if (done.kind === 'timeout') log.platform(timeoutLine(requestId, lambda.timeout));
    const result = done.kind === 'message' && done.message.type === 'result' ? done.message : undefined;
    const failure = result ? undefined : failureOf(done, requestId, lambda.timeout);
    if (done.kind === 'ended') log.platform(`RequestId: ${requestId} Error: ${done.reason}`);
    report(log, lambda, requestId, duration, memory, initDuration);
    const isFatal = done.kind !== 'message' || ('fatal' in done.message && done.message.fatal === true);
    return { payload: result?.payload, failure, isReusable: !isFatal };
  }

  function timeoutLine(requestId: string, seconds: number): string {
    return `${new Date(clock.now()).toISOString()} ${requestId} Task timed out after ${seconds.toFixed(2)} seconds\n`;
  }

  const running = new Set<Promise<Outcome>>();

  async function runOnce(
    lambda: LambdaFunction,
    event: Omit<SandboxEvent, 'functionArn' | 'remaining'>,
  ): Promise<Outcome> {
    const lease = await pool.lease(lambda);
    const log = new InvocationLog(logs, clock, lambda.logGroup, lease.logStream);
    let isReusable = false;
    try {
      const remaining = lambda.timeout * 1000;
      const outcome = await run(lease, lambda, log, { ...event, functionArn: lambda.arn, remaining });
      isReusable = outcome.isReusable;
      const { payload, failure } = outcome;
      return failure
        ? { payload: JSON.stringify(failure), functionError: 'Unhandled', logTail: log.tail() }
        : { payload: payload ?? 'null', logTail: log.tail() };
    } finally {
      lease.release(isReusable);
      log.flush();
    }
  }

  return {
    run(lambda, requestId, event, clientContext) {
      const outcome = runOnce(lambda, { requestId, event, clientContext }).finally(() =>
        running.delete(outcome),
      );
      running.add(outcome);
      return outcome;
    },
    async close() {
      await Promise.allSettled(running);
    },
  };
}

/** The name of a new log stream: `2026/01/31/[$LATEST]` and 32 hexadecimal digits. */
export function logStreamName(now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
}

function failureOf(step: Step, requestId: string, seconds: number): FunctionFailure {
  switch (step.kind) {
    case 'timeout':
      return {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
      };
    case 'ended':
      return {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${requestId} Error: ${step.reason}`,
      };
    default:
      return 'error' in step.message
        ? step.message.error
        : { errorType: 'Runtime.Unknown', errorMessage: 'Unexpected message of the runtime', trace: [] };
  }
}

function report(
  log: InvocationLog,
  lambda: LambdaFunction,
  requestId: string,
  duration: number,
  memory: number,
  initDuration: string,
): void {
  log.platform(`END RequestId: ${requestId}`);
  const parts = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${duration.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(duration)} ms`,
    `Memory Size: ${lambda.memorySize} MB`,
    `Max Memory Used: ${memory} MB${initDuration}`,
  ];
  log.platform(`${parts.join('\t')}\t`);
}
