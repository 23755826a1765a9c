import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-lambda';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { ResourceAccess, ServiceCaller } from '../../resource-access.js';
import type { Operations } from '../../service.js';
import { asyncEvents } from './async-events.js';
import type { TellResult } from './async-records.js';
import type { Concurrency } from './concurrency.js';
import { invalidValue, refuse } from './errors.js';
import type { EventInvokeConfigs } from './event-invoke-config.js';
import type { Functions, LambdaFunction } from './functions.js';
import type { FunctionInvoker } from './invoker.js';
import type { ResourcePolicies } from './resource-policy.js';
import type { Executor } from './runtime/executor.js';

/** Largest events in bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const EVENT_LIMITS = { RequestResponse: 6_291_456, Event: 1_048_576 } as const;

interface InvocationNeeds {
  readonly functions: Functions;
  readonly policies: ResourcePolicies;
  readonly access: ResourceAccess;
  readonly executor: Executor;
  readonly reservations: Concurrency;
  readonly configOf: EventInvokeConfigs['of'];
  readonly tell: TellResult;
}

/** The Invoke operation, and invocations on behalf of other services. */
export function invocation(base: Base, needs: InvocationNeeds) {
  const { functions, policies, access, executor, reservations, configOf, tell } = needs;

  async function run(lambda: LambdaFunction, requestId: string, event: string, clientContext?: unknown) {
    const place = reservations.take(lambda.name);
    try {
      return await executor.run(lambda, requestId, event, clientContext);
    } finally {
      place.free();
    }
  }

  const queue = asyncEvents(base, {
    find: functions.find,
    configOf,
    tell,
    invoke: (lambda, { requestId, payload, clientContext }) => run(lambda, requestId, payload, clientContext),
  });

  const operations: Pick<Operations<typeof sdk>, 'Invoke'> = {
    async Invoke(input, { requestId }) {
      const lambda = functions.get(input.FunctionName, input.Qualifier);
      const { InvocationType: type = 'RequestResponse' } = input;
      if (type !== 'RequestResponse' && type !== 'Event' && type !== 'DryRun') {
        throw invalidValue(
          'invocationType',
          type,
          'Member must satisfy enum value set: [Event, RequestResponse, DryRun]',
        );
      }
      if (input.DurableExecutionName !== undefined || input.TenantId !== undefined) {
        throw refuse.invalidParameter('Not built in the local cloud: DurableExecutionName, TenantId');
      }
      const payload = input.Payload instanceof Uint8Array ? input.Payload : undefined;
      const event = eventOf(payload, type === 'Event' ? 'Event' : 'RequestResponse');
      const clientContext = clientContextOf(input.ClientContext);
      if (type === 'DryRun') return { StatusCode: 204 };
      if (type === 'Event') {
        queue.accept(lambda.name, requestId, event, clientContext);
        return { StatusCode: 202 };
      }
      const outcome = await run(lambda, requestId, event, clientContext);
      return {
        StatusCode: 200,
        ExecutedVersion: '$LATEST',
        FunctionError: outcome.functionError,
        LogResult: input.LogType === 'Tail' ? outcome.logTail : undefined,
        Payload: Buffer.from(outcome.payload),
      };
    },
  };

  function invokable(reference: string, caller: ServiceCaller): LambdaFunction {
    const lambda = functions.get(reference);
    const { service, sourceArn } = caller;
    const reason = access.serviceRefusal(caller, {
      action: 'lambda:InvokeFunction',
      resource: lambda.arn,
      policy: policies.textOf(lambda.name),
    });
    if (reason === undefined) return lambda;
    throw new AwsError(
      'AccessDeniedException',
      `${service} is not allowed to invoke ${lambda.arn} for ${sourceArn}: the function's resource policy has no statement that permits it`,
      403,
    );
  }

  const invoker: FunctionInvoker = {
    async invokeLater(reference, payload, caller) {
      const { name } = invokable(reference, caller);
      queue.accept(name, randomUUID(), eventOf(payload, 'Event'));
    },
    async invoke(reference, payload, caller) {
      const lambda = invokable(reference, caller);
      const event = eventOf(payload, 'RequestResponse');
      const outcome = await run(lambda, randomUUID(), event);
      return { payload: Buffer.from(outcome.payload), functionError: outcome.functionError };
    },
  };

  return {
    operations,
    invoker,
    /** Takes an event for the function of that ARN. @throws ResourceNotFoundException */
    accept(functionArn: string, event: string): void {
      queue.accept(functions.get(functionArn).name, randomUUID(), event);
    },
    /** The function's answer as JSON; undefined when it failed. @throws ResourceNotFoundException, TooManyRequestsException */
    async invokeNow(
      functionName: string,
      event: string,
      requestId: string = randomUUID(),
    ): Promise<string | undefined> {
      const { payload, functionError } = await run(functions.get(functionName), requestId, event);
      return functionError === undefined ? payload : undefined;
    },
    resume: queue.resume,
    close: queue.close,
  };
}

/** The event as JSON text; no payload is an empty object. */
function eventOf(payload: Uint8Array | undefined, type: keyof typeof EVENT_LIMITS): string {
  if (payload === undefined || payload.length === 0) return '{}';
  if (payload.length > EVENT_LIMITS[type]) {
    throw refuse.tooLarge(
      `${payload.length} byte payload is too large for the ${type} invocation type (limit ${EVENT_LIMITS[type]} bytes)`,
    );
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
    JSON.parse(text);
    return text;
  } catch (error) {
    throw refuse.invalidContent(
      `Could not parse request body into json: Could not parse payload into json: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function clientContextOf(base64: string | undefined): unknown {
  if (base64 === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch {
    throw refuse.invalidContent('Client context must be a valid Base64-encoded JSON object.');
  }
}
