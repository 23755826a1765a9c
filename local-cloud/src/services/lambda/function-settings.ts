import type {
  Architecture,
  CreateFunctionRequest,
  Runtime,
  UpdateFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda';
import { assertPattern, assertRange, invalidValue, refuse } from './errors.js';

/** What a function is configured with; its code apart. */
export interface FunctionSettings {
  readonly runtime: Runtime;
  readonly role: string;
  readonly handler: string;
  readonly description: string;
  /** Seconds. */
  readonly timeout: number;
  /** MB. */
  readonly memorySize: number;
  readonly environment: Readonly<Record<string, string>>;
  /** MB. */
  readonly ephemeralStorage: number;
  readonly logGroup: string;
  /** ARN of the queue or topic that events go to which the function failed for good. */
  readonly deadLetterArn?: string | undefined;
}

/** Runtimes that are run, all by the Node.js that runs the local cloud. */
export const RUNTIMES: readonly Runtime[] = ['nodejs18.x', 'nodejs20.x', 'nodejs22.x', 'nodejs24.x'];

/** Names that Lambda keeps: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const RESERVED_VARIABLES: ReadonlySet<string> = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
]);
const ENVIRONMENT_LIMIT = 4096;
const ROLE = /^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/;

type Request = Omit<CreateFunctionRequest, 'FunctionName' | 'Code' | 'Role'> & { Role?: string };

/** The settings of a new function. @throws as {@link changedSettings}. */
export function newSettings(name: string, request: CreateFunctionRequest): FunctionSettings {
  if (request.Runtime === undefined) {
    throw refuse.invalidParameter(
      'Runtime is mandatory parameter for functions created with deployment packages.',
    );
  }
  if (request.Handler === undefined) {
    throw refuse.invalidParameter(
      'Handler is mandatory parameter for functions created with deployment packages.',
    );
  }
  const defaults: FunctionSettings = {
    runtime: request.Runtime,
    handler: request.Handler,
    role: request.Role ?? '',
    description: '',
    timeout: 3,
    memorySize: 128,
    environment: {},
    ephemeralStorage: 512,
    logGroup: `/aws/lambda/${name}`,
  };
  return changedSettings(defaults, request);
}

/**
 * The settings after a change; what the request does not name stays.
 *
 * @throws AwsError `ValidationException` or InvalidParameterValueException, as Lambda does, and the latter for
 * features that are not built.
 */
export function changedSettings(
  before: FunctionSettings,
  request: Request | UpdateFunctionConfigurationRequest,
): FunctionSettings {
  refuseUnbuilt(request);
  const settings: FunctionSettings = {
    runtime: request.Runtime ?? before.runtime,
    role: request.Role ?? before.role,
    handler: request.Handler ?? before.handler,
    description: request.Description ?? before.description,
    timeout: request.Timeout ?? before.timeout,
    memorySize: request.MemorySize ?? before.memorySize,
    environment: request.Environment ? (request.Environment.Variables ?? {}) : before.environment,
    ephemeralStorage: request.EphemeralStorage?.Size ?? before.ephemeralStorage,
    logGroup: request.LoggingConfig?.LogGroup ?? before.logGroup,
    // An empty ARN takes the target away.
    deadLetterArn: request.DeadLetterConfig
      ? request.DeadLetterConfig.TargetArn || undefined
      : before.deadLetterArn,
  };
  assertRuntime(settings.runtime);
  assertPattern('role', settings.role, ROLE);
  assertPattern('handler', settings.handler, /^[^\s]{1,128}$/);
  assertPattern('description', settings.description, /^[\s\S]{0,256}$/);
  assertRange('timeout', settings.timeout, 1, 900);
  assertRange('memorySize', settings.memorySize, 128, 10_240);
  assertRange('ephemeralStorage.size', settings.ephemeralStorage, 512, 10_240);
  assertPattern('loggingConfig.logGroup', settings.logGroup, /^[.\-_/#A-Za-z0-9]{1,512}$/);
  assertEnvironment(settings.environment);
  return settings;
}

/** The one architecture of a function. */
export function architectureOf(architectures: readonly Architecture[] | undefined): Architecture {
  const [architecture = 'x86_64', ...others] = architectures ?? [];
  if (others.length === 0 && (architecture === 'x86_64' || architecture === 'arm64')) return architecture;
  throw invalidValue(
    'architectures',
    `[${architectures?.join(', ')}]`,
    'Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]',
  );
}

function refuseUnbuilt(request: Request | UpdateFunctionConfigurationRequest): void {
  const create = request as Request;
  const asked: readonly [feature: string, asked: boolean][] = [
    ['PackageType Image', create.PackageType === 'Image' || hasMembers(request.ImageConfig)],
    ['Publish', create.Publish === true],
    ['Layers', (request.Layers?.length ?? 0) > 0],
    ['VpcConfig', (request.VpcConfig?.SubnetIds?.length ?? 0) > 0],
    ['FileSystemConfigs', (request.FileSystemConfigs?.length ?? 0) > 0],
    ['KMSKeyArn', Boolean(request.KMSKeyArn)],
    ['TracingConfig Active', request.TracingConfig?.Mode === 'Active'],
    ['SnapStart', request.SnapStart?.ApplyOn === 'PublishedVersions'],
    ['CodeSigningConfigArn', create.CodeSigningConfigArn !== undefined],
    ['TenancyConfig', create.TenancyConfig !== undefined],
    ['CapacityProviderConfig', hasMembers(request.CapacityProviderConfig)],
    ['DurableConfig', hasMembers(request.DurableConfig)],
    ['LoggingConfig LogFormat JSON', request.LoggingConfig?.LogFormat === 'JSON'],
  ];
  const unbuilt = asked.filter(([, isAsked]) => isAsked).map(([feature]) => feature);
  if (unbuilt.length === 0) return;
  throw refuse.invalidParameter(`Not built in the local cloud: ${unbuilt.join(', ')}`);
}

function hasMembers(value: object | undefined): boolean {
  return value !== undefined && Object.values(value).some((member) => member !== undefined);
}

function assertRuntime(runtime: string): void {
  if ((RUNTIMES as readonly string[]).includes(runtime)) return;
  throw refuse.invalidParameter(
    `The runtime ${runtime} is not built in the local cloud, which runs ${RUNTIMES.join(', ')}`,
  );
}

function assertEnvironment(environment: FunctionSettings['environment']): void {
  const because =
    'Lambda was unable to configure your environment variables because the environment variables you have provided';
  for (const name of Object.keys(environment)) {
    assertPattern('environment.variables', name, /^[a-zA-Z]([a-zA-Z0-9_])+$|^_(?:HANDLER|X_AMZN_TRACE_ID)$/);
  }
  const reserved = Object.keys(environment).filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0) {
    throw refuse.invalidParameter(
      `${because} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  const text = JSON.stringify(environment);
  if (Buffer.byteLength(text) > ENVIRONMENT_LIMIT) {
    throw refuse.invalidParameter(`${because} exceeded the 4KB limit. String measured: ${text}`);
  }
}
