import type { ApiProblem } from '@mooring/contracts';

/** What a request cannot be answered for, with the HTTP status that says so. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';

  /** @param code stable name, such as `NoSuchDevice`. */
  constructor(
    readonly status: 400 | 401 | 404 | 405 | 409 | 500 | 503,
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface ProblemAnswer {
  readonly status: number;
  readonly body: ApiProblem;
}

/** Names that AWS services give to errors which say that too much was asked of them. */
const THROTTLED =
  /^(Throttl\w+|TooManyRequestsException|LimitExceededException|ProvisionedThroughputExceededException|RequestLimitExceeded|SlowDown|ServiceUnavailable\w*)$/;
/** Names of errors of what took longer than it was given. */
const TOO_LONG = /^(AbortError|TimeoutError)$/;

/** What a visitor is told of an error. What is nobody's fault but the function's is told without its details. */
export function problemOf(error: unknown, requestId: string): ProblemAnswer {
  if (error instanceof RequestProblem) {
    return { status: error.status, body: { code: error.code, message: error.message } };
  }
  const name = error instanceof Error ? error.name : '';
  if (THROTTLED.test(name)) {
    return {
      status: 503,
      body: {
        code: 'Throttled',
        message: 'AWS is asked for too much at the moment: try again in a few seconds',
      },
    };
  }
  if (TOO_LONG.test(name)) {
    return {
      status: 503,
      body: { code: 'TookTooLong', message: 'AWS did not answer in time: try again in a few seconds' },
    };
  }
  return {
    status: 500,
    body: {
      code: 'InternalError',
      message: `The function failed: its log tells why, look for the request ${requestId}`,
    },
  };
}
