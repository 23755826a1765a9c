import type * as sdk from '@aws-sdk/client-lambda';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { refuse } from './errors.js';
import type { Functions } from './functions.js';

/** Invocations at the same time that an account has, and those that no function may reserve. */
const ACCOUNT_LIMIT = 1000;
const UNRESERVED = 100;

type OperationNames = 'PutFunctionConcurrency' | 'GetFunctionConcurrency' | 'DeleteFunctionConcurrency';

/** How many events functions may handle at the same time. */
export interface Concurrency {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  reserved(functionName: string): number | undefined;
  /** Takes a function's place for one invocation. @throws TooManyRequestsException when it has none left. */
  take(functionName: string): { free(): void };
  /** Undefined takes the reservation away. @throws InvalidParameterValueException when not enough is left. */
  reserve(functionName: string, executions: number | undefined): void;
}

export function concurrency({ store }: Base, functions: Functions): Concurrency {
  const table = store.table<number>('lambda.reservedConcurrency');
  const running = new Map<string, number>();

  function reserve(name: string, executions: number | undefined): void {
    if (executions === undefined) {
      table.delete(name);
      return;
    }
    if (!Number.isInteger(executions) || executions < 0) {
      throw refuse.invalidParameter('ReservedConcurrentExecutions must be 0 or more.');
    }
    let others = 0;
    for (const [other, count] of table.entries()) if (other !== name) others += count;
    if (others + executions > ACCOUNT_LIMIT - UNRESERVED) {
      throw refuse.invalidParameter(
        `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${UNRESERVED}].`,
      );
    }
    table.put(name, executions);
  }

  return {
    reserve,
    reserved: (name) => table.get(name),
    take(name) {
      const limit = table.get(name);
      const count = running.get(name) ?? 0;
      if (limit !== undefined && count >= limit) {
        throw refuse.throttled('ReservedFunctionConcurrentInvocationLimitExceeded');
      }
      running.set(name, count + 1);
      return {
        free() {
          const left = (running.get(name) ?? 1) - 1;
          if (left > 0) running.set(name, left);
          else running.delete(name);
        },
      };
    },
    operations: {
      PutFunctionConcurrency({ FunctionName, ReservedConcurrentExecutions }) {
        const { name } = functions.get(FunctionName);
        reserve(name, ReservedConcurrentExecutions ?? Number.NaN);
        return { ReservedConcurrentExecutions };
      },
      GetFunctionConcurrency: ({ FunctionName }) => ({
        ReservedConcurrentExecutions: table.get(functions.get(FunctionName).name),
      }),
      DeleteFunctionConcurrency({ FunctionName }) {
        reserve(functions.get(FunctionName).name, undefined);
        return {};
      },
    },
  };
}
