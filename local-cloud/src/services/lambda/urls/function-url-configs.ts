import { randomInt } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-lambda';
import { enumViolation } from '../../../constraints.js';
import { AwsError } from '../../../errors.js';
import { behind, page, readToken } from '../../../paging.js';
import type { Base } from '../../../plugin.js';
import type { Operations } from '../../../service.js';
import { assertRange, invalidValue, refuse } from '../errors.js';
import type { Functions, LambdaFunction } from '../functions.js';
import { type CorsSettings, checkedCors } from './cors.js';

/** A function's URL as it is kept. */
export interface FunctionUrlConfig {
  /** 32 lower-case letters and digits; another one for each URL that ever was. */
  readonly id: string;
  readonly authType: 'AWS_IAM' | 'NONE';
  readonly cors?: CorsSettings;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly modified: number;
}

type OperationNames =
  | 'CreateFunctionUrlConfig'
  | 'GetFunctionUrlConfig'
  | 'UpdateFunctionUrlConfig'
  | 'DeleteFunctionUrlConfig'
  | 'ListFunctionUrlConfigs';

/** The URLs of functions; one each, as versions and aliases are not built. */
export interface FunctionUrlConfigs {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  of(functionName: string): FunctionUrlConfig | undefined;
  /** The URL of that id and the name of its function. */
  byId(id: string): { functionName: string; config: FunctionUrlConfig } | undefined;
  forget(functionName: string): void;
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

export function functionUrlConfigs(
  { store, clock }: Base,
  functions: Functions,
  addressOf: (id: string) => Promise<string>,
): FunctionUrlConfigs {
  const table = store.table<FunctionUrlConfig>('lambda.functionUrls');
  /** Names of functions by the ids of their URLs. */
  const names = store.table<string>('lambda.functionUrlIds');

  function existing({ name }: LambdaFunction): FunctionUrlConfig {
    const config = table.get(name);
    if (config) return config;
    throw refuse.notFound('The resource you requested does not exist.');
  }

  async function described({ arn }: LambdaFunction, config: FunctionUrlConfig) {
    return {
      FunctionUrl: await addressOf(config.id),
      FunctionArn: arn,
      AuthType: config.authType,
      ...(config.cors && { Cors: config.cors as sdk.Cors }),
      InvokeMode: 'BUFFERED' as const,
      CreationTime: new Date(config.created).toISOString(),
      LastModifiedTime: new Date(config.modified).toISOString(),
    };
  }

  function forget(name: string): void {
    const config = table.get(name);
    if (!config) return;
    store.transaction(() => {
      table.delete(name);
      names.delete(config.id);
    });
  }

  return {
    of: (name) => table.get(name),
    byId(id) {
      const functionName = names.get(id);
      const config = functionName === undefined ? undefined : table.get(functionName);
      return functionName !== undefined && config ? { functionName, config } : undefined;
    },
    forget,
    operations: {
      async CreateFunctionUrlConfig(input) {
        const lambda = functions.get(input.FunctionName, input.Qualifier);
        const authType = authTypeOf(input.AuthType);
        assertBuffered(input.InvokeMode);
        if (table.get(lambda.name)) {
          throw refuse.exists(
            `Failed to create function url config for [functionArn = ${lambda.arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
          );
        }
        const cors = checkedCors(input.Cors);
        const now = clock.now();
        const config: FunctionUrlConfig = {
          id: Array.from({ length: 32 }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join(''),
          authType,
          ...(cors && { cors }),
          created: now,
          modified: now,
        };
        store.transaction(() => {
          table.put(lambda.name, config);
          names.put(config.id, lambda.name);
        });
        const { LastModifiedTime: _, ...created } = await described(lambda, config);
        return created;
      },
      async GetFunctionUrlConfig({ FunctionName, Qualifier }) {
        const lambda = functions.get(FunctionName, Qualifier);
        return described(lambda, existing(lambda));
      },
      async UpdateFunctionUrlConfig(input) {
        const lambda = functions.get(input.FunctionName, input.Qualifier);
        const { cors: before, ...config } = existing(lambda);
        assertBuffered(input.InvokeMode);
        const cors = input.Cors === undefined ? before : checkedCors(input.Cors);
        const changed: FunctionUrlConfig = {
          ...config,
          ...(input.AuthType !== undefined && { authType: authTypeOf(input.AuthType) }),
          ...(cors && { cors }),
          modified: clock.now(),
        };
        table.put(lambda.name, changed);
        return described(lambda, changed);
      },
      DeleteFunctionUrlConfig({ FunctionName, Qualifier }) {
        const lambda = functions.get(FunctionName, Qualifier);
        existing(lambda);
        forget(lambda.name);
        return {};
      },
      async ListFunctionUrlConfigs({ FunctionName, Marker, MaxItems = 50 }) {
        const lambda = functions.get(FunctionName);
        assertRange('maxItems', MaxItems, 1, 50);
        const config = table.get(lambda.name);
        const { items, next } = page(
          behind(config ? [config] : [], ({ id }) => id),
          ({ id }) => id,
          readToken(Marker, () => invalidValue('marker', Marker ?? '', 'Member must be a marker of a page')),
          MaxItems,
        );
        return {
          FunctionUrlConfigs: await Promise.all(items.map((item) => described(lambda, item))),
          NextMarker: next,
        };
      },
    },
  };
}

/** @throws AwsError `ValidationException`. */
function authTypeOf(given: string | undefined): FunctionUrlConfig['authType'] {
  if (given === 'AWS_IAM' || given === 'NONE') return given;
  const problem = enumViolation(given ?? 'null', 'authType', ['NONE', 'AWS_IAM']) ?? '';
  throw new AwsError('ValidationException', problem);
}

/** @throws InvalidParameterValueException, AwsError `ValidationException`. */
function assertBuffered(mode: string | undefined): void {
  const problem = enumViolation(mode, 'invokeMode', ['RESPONSE_STREAM', 'BUFFERED']);
  if (problem !== undefined) throw new AwsError('ValidationException', problem);
  if (mode === 'RESPONSE_STREAM') {
    throw refuse.invalidParameter('Not built in the local cloud: InvokeMode RESPONSE_STREAM');
  }
}
