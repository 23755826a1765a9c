import type * as sdk from '@aws-sdk/client-lambda';
import { behind, page, readToken } from '../../paging.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import type { Destinations } from './destinations.js';
import { assertRange, invalidValue, refuse } from './errors.js';
import type { Functions, LambdaFunction } from './functions.js';

/** How asynchronous invocations of a function are handled, as it is kept. */
export interface EventInvokeConfig {
  /** Further attempts after the first. */
  readonly maximumRetryAttempts?: number;
  /** Seconds. */
  readonly maximumEventAge?: number;
  /** ARNs of destinations. */
  readonly onSuccess?: string;
  readonly onFailure?: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

type Input = Pick<
  sdk.PutFunctionEventInvokeConfigRequest,
  'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | 'DestinationConfig'
>;

/** Lambda API reference, PutFunctionEventInvokeConfig. */
const MOST_RETRIES = 2;
const AGES = { least: 60, most: 21_600 };

type OperationNames =
  | 'PutFunctionEventInvokeConfig'
  | 'UpdateFunctionEventInvokeConfig'
  | 'GetFunctionEventInvokeConfig'
  | 'ListFunctionEventInvokeConfigs'
  | 'DeleteFunctionEventInvokeConfig';

/** The event invoke configurations of functions; one each, as versions and aliases are not built. */
export interface EventInvokeConfigs {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  of(functionName: string): EventInvokeConfig | undefined;
  forget(functionName: string): void;
}

export function eventInvokeConfigs(
  { store, clock }: Base,
  functions: Functions,
  destinations: Destinations,
): EventInvokeConfigs {
  const table = store.table<EventInvokeConfig>('lambda.eventInvokeConfigs');

  /** What the input does not name stays as it was `before`. */
  function save(lambda: LambdaFunction, input: Input, before: Omit<EventInvokeConfig, 'lastModified'>) {
    const { MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: age, DestinationConfig: given } = input;
    if (retries !== undefined) assertRange('maximumRetryAttempts', retries, 0, MOST_RETRIES);
    if (age !== undefined) assertRange('maximumEventAgeInSeconds', age, AGES.least, AGES.most);
    const onSuccess = given ? given.OnSuccess?.Destination || undefined : before.onSuccess;
    const onFailure = given ? given.OnFailure?.Destination || undefined : before.onFailure;
    for (const arn of [onSuccess, onFailure]) {
      if (arn === undefined) continue;
      destinations.assertDestination(lambda.role, arn);
      if (arn === lambda.arn) {
        throw refuse.invalidParameter('You cannot specify the function as a destination for itself.');
      }
    }
    const maximumRetryAttempts = retries ?? before.maximumRetryAttempts;
    const maximumEventAge = age ?? before.maximumEventAge;
    const config: EventInvokeConfig = {
      ...(maximumRetryAttempts !== undefined && { maximumRetryAttempts }),
      ...(maximumEventAge !== undefined && { maximumEventAge }),
      ...(onSuccess !== undefined && { onSuccess }),
      ...(onFailure !== undefined && { onFailure }),
      lastModified: clock.now(),
    };
    table.put(lambda.name, config);
    return described(lambda, config);
  }

  function existing(lambda: LambdaFunction): EventInvokeConfig {
    const config = table.get(lambda.name);
    if (config) return config;
    throw refuse.notFound(`The function ${lambda.arn}:$LATEST doesn't have an EventInvokeConfig`);
  }

  return {
    of: (name) => table.get(name),
    forget: (name) => {
      table.delete(name);
    },
    operations: {
      PutFunctionEventInvokeConfig: (input) =>
        save(functions.get(input.FunctionName, input.Qualifier), input, {}),
      UpdateFunctionEventInvokeConfig(input) {
        const lambda = functions.get(input.FunctionName, input.Qualifier);
        return save(lambda, input, existing(lambda));
      },
      GetFunctionEventInvokeConfig({ FunctionName, Qualifier }) {
        const lambda = functions.get(FunctionName, Qualifier);
        return described(lambda, existing(lambda));
      },
      ListFunctionEventInvokeConfigs({ FunctionName, Marker, MaxItems = 50 }) {
        const lambda = functions.get(FunctionName);
        assertRange('maxItems', MaxItems, 1, 50);
        const config = table.get(lambda.name);
        const { items, next } = page(
          behind(config ? [config] : [], () => lambda.name),
          () => lambda.name,
          readToken(Marker, () => invalidValue('marker', Marker ?? '', 'Member must be a marker of a page')),
          MaxItems,
        );
        return {
          FunctionEventInvokeConfigs: items.map((item) => described(lambda, item)),
          NextMarker: next,
        };
      },
      DeleteFunctionEventInvokeConfig({ FunctionName, Qualifier }) {
        const lambda = functions.get(FunctionName, Qualifier);
        existing(lambda);
        table.delete(lambda.name);
        return {};
      },
    },
  };
}

function described({ arn }: LambdaFunction, config: EventInvokeConfig): sdk.FunctionEventInvokeConfig {
  const { onSuccess, onFailure } = config;
  return {
    LastModified: new Date(config.lastModified),
    FunctionArn: `${arn}:$LATEST`,
    MaximumRetryAttempts: config.maximumRetryAttempts,
    MaximumEventAgeInSeconds: config.maximumEventAge,
    DestinationConfig: {
      OnSuccess: onSuccess === undefined ? {} : { Destination: onSuccess },
      OnFailure: onFailure === undefined ? {} : { Destination: onFailure },
    },
  };
}
