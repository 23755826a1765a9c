import type { Base } from '../../../plugin.js';
import type { RoleDirectory } from '../../iam/directory.js';
import type { CredentialsIssuer } from '../../sts/issuer.js';
import type { LambdaFunction } from '../functions.js';

/** Seconds that a function's credentials are valid, if its role allows it; longer than a process is kept. */
const CREDENTIALS_DURATION = 12 * 3600;

/**
 * The whole environment of a function's process: what Lambda sets, the function's own variables, and nothing of
 * the local cloud's environment but the search path.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function functionEnvironment(
  { region }: Base,
  { issuer, roles }: { issuer: CredentialsIssuer; roles: RoleDirectory },
  lambda: LambdaFunction,
  logStream: string,
  place: { taskRoot: string; endpointUrl: string },
): Record<string, string> {
  const roleName = roles.byArn(lambda.role)?.roleName ?? lambda.role.slice(lambda.role.lastIndexOf('/') + 1);
  const credentials = issuer.issue(roleName, lambda.name, CREDENTIALS_DURATION);
  return {
    AWS_ENDPOINT_URL: place.endpointUrl,
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    // Keeps configuration files of the user who runs the local cloud out of the AWS SDK's sight.
    HOME: place.taskRoot,
    ...lambda.environment,
    PATH: process.env.PATH ?? '',
    _HANDLER: lambda.handler,
    LAMBDA_TASK_ROOT: place.taskRoot,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${lambda.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: lambda.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(lambda.memorySize),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: lambda.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  };
}
