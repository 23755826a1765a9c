import type * as sdk from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { parseProperties } from '../../../resource-properties.js';
import { loadResourceSchema } from '../../../resource-schema.js';
import type { ResourceType } from '../../../resource-type.js';
import type { Call } from '../../../service.js';
import type { Functions } from '../functions.js';
import type { FunctionUrlConfigs } from './function-url-configs.js';

const TYPE_NAME = 'AWS::Lambda::Url';
const list = z.array(z.string()).optional();
const schema = z.strictObject({
  TargetFunctionArn: z.string(),
  Qualifier: z.string().optional(),
  AuthType: z.enum(['AWS_IAM', 'NONE']),
  InvokeMode: z.enum(['BUFFERED', 'RESPONSE_STREAM']).optional(),
  Cors: z
    .strictObject({
      AllowCredentials: z.boolean().optional(),
      AllowHeaders: list,
      AllowMethods: list,
      AllowOrigins: list,
      ExposeHeaders: list,
      MaxAge: z.number().optional(),
    })
    .optional(),
  // Read-only ones come back in documents that were read before.
  FunctionArn: z.string().optional(),
  FunctionUrl: z.string().optional(),
});

/** `AWS::Lambda::Url`: the URL of a function, identified by the function's ARN. */
export function urlType(functions: Functions, configs: FunctionUrlConfigs): ResourceType {
  const call = {} as Call;
  const { operations } = configs;
  return {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    async create(desired) {
      const { TargetFunctionArn: FunctionName, ...wanted } = parseProperties(TYPE_NAME, schema, desired);
      const { FunctionArn } = await operations.CreateFunctionUrlConfig({ ...wanted, FunctionName }, call);
      return FunctionArn ?? '';
    },
    async read(identifier) {
      const lambda = functions.find(functions.nameOf(identifier));
      if (!lambda || !configs.of(lambda.name)) return undefined;
      const found: sdk.GetFunctionUrlConfigResponse = await operations.GetFunctionUrlConfig(
        { FunctionName: lambda.name },
        call,
      );
      const { FunctionUrl, FunctionArn, AuthType, InvokeMode, Cors } = found;
      return {
        TargetFunctionArn: FunctionArn,
        ...{ FunctionArn, FunctionUrl, AuthType, InvokeMode },
        ...(Cors && { Cors }),
      };
    },
    async update(identifier, desired) {
      const { AuthType, InvokeMode, Cors = {} } = parseProperties(TYPE_NAME, schema, desired);
      await operations.UpdateFunctionUrlConfig(
        { FunctionName: identifier, AuthType, InvokeMode, Cors },
        call,
      );
    },
    async delete(identifier) {
      await operations.DeleteFunctionUrlConfig({ FunctionName: identifier }, call);
    },
    list: () => [...functions.all()].flatMap(({ name, arn }) => (configs.of(name) ? [arn] : [])),
  };
}
