import { z } from 'zod';
import { AwsError } from '../../errors.js';
import { parseProperties } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import type { Call } from '../../service.js';
import type { EventInvokeConfigs } from './event-invoke-config.js';
import type { Functions } from './functions.js';

const TYPE_NAME = 'AWS::Lambda::EventInvokeConfig';
const destination = z.strictObject({ Destination: z.string() }).optional();
const schema = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.string(),
  MaximumRetryAttempts: z.number().optional(),
  MaximumEventAgeInSeconds: z.number().optional(),
  DestinationConfig: z.strictObject({ OnSuccess: destination, OnFailure: destination }).optional(),
});

/** `AWS::Lambda::EventInvokeConfig`: how asynchronous invocations of a function are handled. */
export function eventInvokeConfigType(functions: Functions, configs: EventInvokeConfigs): ResourceType {
  const call = {} as Call;
  const put = (desired: ResourceProperties) => {
    const wanted = parseProperties(TYPE_NAME, schema, desired);
    return configs.operations.PutFunctionEventInvokeConfig(wanted, call);
  };
  const partsOf = (identifier: string) => {
    const [FunctionName = '', Qualifier = ''] = identifier.split('|');
    return { FunctionName, Qualifier };
  };
  return {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    async create(desired) {
      const { FunctionName, Qualifier } = parseProperties(TYPE_NAME, schema, desired);
      if (configs.of(functions.get(FunctionName, Qualifier).name)) {
        throw new AwsError('AlreadyExists', `${FunctionName}|${Qualifier} has an EventInvokeConfig already`);
      }
      await put(desired);
      return `${FunctionName}|${Qualifier}`;
    },
    read(identifier) {
      const { FunctionName, Qualifier } = partsOf(identifier);
      if (Qualifier !== '$LATEST') return undefined;
      const config =
        functions.find(functions.nameOf(FunctionName)) && configs.of(functions.nameOf(FunctionName));
      if (!config) return undefined;
      const { maximumRetryAttempts, maximumEventAge, onSuccess, onFailure } = config;
      const destinations = {
        ...(onSuccess !== undefined && { OnSuccess: { Destination: onSuccess } }),
        ...(onFailure !== undefined && { OnFailure: { Destination: onFailure } }),
      };
      return {
        ...{ FunctionName, Qualifier },
        ...(maximumRetryAttempts !== undefined && { MaximumRetryAttempts: maximumRetryAttempts }),
        ...(maximumEventAge !== undefined && { MaximumEventAgeInSeconds: maximumEventAge }),
        ...(Object.keys(destinations).length > 0 && { DestinationConfig: destinations }),
      };
    },
    async update(_identifier, desired) {
      await put(desired);
    },
    async delete(identifier) {
      await configs.operations.DeleteFunctionEventInvokeConfig(partsOf(identifier), call);
    },
    list: () => [...functions.all()].flatMap(({ name }) => (configs.of(name) ? [`${name}|$LATEST`] : [])),
  };
}
