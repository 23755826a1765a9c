import type * as sdk from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { generatedName, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import type { Call, Operations } from '../../service.js';
import { tagList, tagsOf } from '../../tags.js';
import { zipInlineSource } from './code-package.js';
import type { Concurrency } from './concurrency.js';
import { refuse } from './errors.js';
import type { Functions, LambdaFunction } from './functions.js';

const TYPE_NAME = 'AWS::Lambda::Function';

/** The properties that the operations take as they are, apart from code, name and tags. */
const SETTINGS = [
  'Architectures',
  'CapacityProviderConfig',
  'CodeSigningConfigArn',
  'DeadLetterConfig',
  'Description',
  'DurableConfig',
  'Environment',
  'EphemeralStorage',
  'FileSystemConfigs',
  'Handler',
  'ImageConfig',
  'Layers',
  'LoggingConfig',
  'MemorySize',
  'PackageType',
  'Role',
  'Runtime',
  'SnapStart',
  'TenancyConfig',
  'Timeout',
  'TracingConfig',
  'VpcConfig',
] as const;

/** Properties that change how a function runs in ways that are not built; refused when they are given. */
const UNBUILT = [
  'FunctionScalingConfig',
  'PublishToLatestPublished',
  'RecursiveLoop',
  'RuntimeManagementConfig',
] as const;

const code = z.object({
  ZipFile: z.string().optional(),
  S3Bucket: z.string().optional(),
  S3Key: z.string().optional(),
  S3ObjectVersion: z.string().optional(),
  ImageUri: z.string().optional(),
  SourceKMSKeyArn: z.string().optional(),
});
const name = z.string().optional();
const reserved = z.number().optional();

type FunctionOperations = Required<
  Pick<
    Operations<typeof sdk>,
    'CreateFunction' | 'UpdateFunctionCode' | 'UpdateFunctionConfiguration' | 'DeleteFunction'
  >
>;

/** `AWS::Lambda::Function`: the same operations as the Lambda API's. */
export function functionResourceType(
  functions: Functions,
  reservations: Pick<Concurrency, 'reserve' | 'reserved'>,
  built: Operations<typeof sdk>,
): ResourceType {
  // All of these are built; what they know of a call besides its input, they do not use.
  const operations = built as FunctionOperations;
  const call = {} as Call;

  return {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    async create(desired) {
      assertBuilt(desired);
      const FunctionName = name.parse(desired.FunctionName) ?? generatedName('function');
      await operations.CreateFunction(
        {
          ...settingsOf(desired),
          FunctionName,
          Role: z.string().parse(desired.Role),
          KMSKeyArn: z.string().optional().parse(desired.KmsKeyArn),
          Code: sourceOf(desired.Code),
          Tags: tagsOf(tagsSchema.optional().parse(desired.Tags)),
        },
        call,
      );
      if (desired.ReservedConcurrentExecutions !== undefined) {
        reservations.reserve(FunctionName, reserved.parse(desired.ReservedConcurrentExecutions));
      }
      return FunctionName;
    },
    read: (identifier) => {
      const lambda = functions.find(identifier);
      return lambda && propertiesOf(lambda, reservations.reserved(lambda.name));
    },
    async update(identifier, desired) {
      assertBuilt(desired);
      const lambda = functions.get(identifier);
      const { Architectures, PackageType: _, ...settings } = settingsOf(desired);
      await operations.UpdateFunctionConfiguration(
        // What a desired state leaves out goes back to its default.
        {
          Description: '',
          Timeout: 3,
          MemorySize: 128,
          Environment: {},
          EphemeralStorage: { Size: 512 },
          LoggingConfig: { LogGroup: `/aws/lambda/${lambda.name}` },
          DeadLetterConfig: { TargetArn: '' },
          ...settings,
          KMSKeyArn: z.string().optional().parse(desired.KmsKeyArn),
          FunctionName: identifier,
        },
        call,
      );
      if (desired.Code !== undefined) {
        await operations.UpdateFunctionCode(
          { ...sourceOf(desired.Code), Architectures, FunctionName: identifier },
          call,
        );
      }
      reservations.reserve(lambda.name, reserved.parse(desired.ReservedConcurrentExecutions));
      functions.setTags(identifier, tagsOf(tagsSchema.optional().parse(desired.Tags)));
    },
    async delete(identifier) {
      await operations.DeleteFunction({ FunctionName: identifier }, call);
    },
    list: () => [...functions.all()].map((lambda) => lambda.name),
  };
}

function propertiesOf(lambda: LambdaFunction, reserved: number | undefined): ResourceProperties {
  const tags = tagList(lambda.tags);
  return {
    FunctionName: lambda.name,
    Arn: lambda.arn,
    Role: lambda.role,
    Runtime: lambda.runtime,
    Handler: lambda.handler,
    Timeout: lambda.timeout,
    MemorySize: lambda.memorySize,
    PackageType: 'Zip',
    Architectures: [lambda.architecture],
    EphemeralStorage: { Size: lambda.ephemeralStorage },
    TracingConfig: { Mode: 'PassThrough' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: lambda.logGroup },
    ...(lambda.deadLetterArn !== undefined && { DeadLetterConfig: { TargetArn: lambda.deadLetterArn } }),
    ...(reserved !== undefined && { ReservedConcurrentExecutions: reserved }),
    ...(lambda.description !== '' && { Description: lambda.description }),
    ...(Object.keys(lambda.environment).length > 0 && { Environment: { Variables: lambda.environment } }),
    ...(tags.length > 0 && { Tags: tags }),
  };
}

/** The schema was checked before; the operations check what it does not say. */
function settingsOf(desired: ResourceProperties): Partial<sdk.CreateFunctionRequest> {
  const given = SETTINGS.filter((property) => desired[property] !== undefined);
  return Object.fromEntries(given.map((property) => [property, desired[property]]));
}

function assertBuilt(desired: ResourceProperties): void {
  const unbuilt = UNBUILT.filter((property) => desired[property] !== undefined);
  if (unbuilt.length === 0) return;
  throw refuse.invalidParameter(`Not built in the local cloud: ${unbuilt.join(', ')} of ${TYPE_NAME}`);
}

/** In a resource, `ZipFile` is the source code itself. */
function sourceOf(given: unknown): sdk.FunctionCode {
  const { ZipFile, ...elsewhere } = code.parse(given);
  return ZipFile === undefined ? elsewhere : { ...elsewhere, ZipFile: zipInlineSource(ZipFile) };
}
