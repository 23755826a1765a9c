import type { Base } from '../../plugin.js';
import type { Destinations, RecordAttribute } from './destinations.js';
import type { EventInvokeConfigs } from './event-invoke-config.js';
import type { LambdaFunction } from './functions.js';

/** How an event ended that was accepted for asynchronous invocation. */
export interface AsyncResult {
  readonly condition: 'Success' | 'RetriesExhausted' | 'EventAgeExceeded';
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** How often the function was invoked. */
  readonly invocations: number;
  /** What the function said last; undefined when it was never reached. */
  readonly response?: AsyncResponse | undefined;
}

export interface AsyncResponse {
  /** JSON. */
  readonly payload: string;
  readonly functionError?: 'Unhandled' | undefined;
}

/**
 * Tells the destinations and the dead letter queue of a function what became of an event (Lambda developer guide,
 * "Capturing records of Lambda asynchronous invocations"). What cannot be told is logged, and lost as it is in AWS.
 */
export type TellResult = (lambda: LambdaFunction, result: AsyncResult) => Promise<void>;

export function asyncRecords(
  { clock, log }: Base,
  configs: EventInvokeConfigs,
  destinations: Destinations,
): TellResult {
  async function send(
    lambda: LambdaFunction,
    requestId: string,
    arn: string,
    body: string,
    attributes?: Record<string, RecordAttribute>,
  ) {
    try {
      await destinations.send(lambda, arn, body, attributes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', 'The record of an asynchronous event is lost', {
        ...{ functionName: lambda.name, requestId, destination: arn, reason },
      });
    }
  }

  return async (lambda, result) => {
    const { condition, requestId, payload } = result;
    const config = configs.of(lambda.name);
    const destination = condition === 'Success' ? config?.onSuccess : config?.onFailure;
    if (destination !== undefined) {
      await send(lambda, requestId, destination, recordOf(lambda, result, clock.now()));
    }
    if (condition === 'Success' || lambda.deadLetterArn === undefined) return;
    await send(lambda, requestId, lambda.deadLetterArn, payload, deadLetterAttributes(result));
  };
}

function recordOf(lambda: LambdaFunction, result: AsyncResult, now: number): string {
  const { condition, requestId, payload, invocations, response } = result;
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    requestContext: {
      requestId,
      functionArn: `${lambda.arn}:$LATEST`,
      condition,
      approximateInvokeCount: invocations,
    },
    requestPayload: JSON.parse(payload),
    ...(response && {
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(response.functionError !== undefined && { functionError: response.functionError }),
      },
      responsePayload: JSON.parse(response.payload),
    }),
  });
}

/** Lambda developer guide, "Adding a dead-letter queue". */
function deadLetterAttributes({ requestId, response }: AsyncResult): Record<string, RecordAttribute> {
  const message = response ? errorMessageOf(response.payload) : 'Rate Exceeded.';
  return {
    RequestID: { DataType: 'String', StringValue: requestId },
    ErrorCode: { DataType: 'Number', StringValue: response ? '200' : '429' },
    ErrorMessage: {
      DataType: 'String',
      StringValue: Buffer.from(message).subarray(0, 1024).toString('utf8'),
    },
  };
}

function errorMessageOf(payload: string): string {
  const error: unknown = JSON.parse(payload);
  const message =
    typeof error === 'object' && error !== null && 'errorMessage' in error ? error.errorMessage : undefined;
  return typeof message === 'string' && message !== '' ? message : payload;
}
