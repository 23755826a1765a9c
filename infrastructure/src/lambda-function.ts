import { bucketNames, objectKeys } from '@mooring/contracts';
import { EventInvokeConfig, Function as LambdaFunction } from '@pulumi/aws-native/lambda/index.js';
import { LogGroup } from '@pulumi/aws-native/logs/index.js';
import type { Queue } from '@pulumi/aws-native/sqs/index.js';
import type { Input } from '@pulumi/pulumi';
import { arn, type Place } from './place.js';
import { policyDocument, type Statement } from './policy-document.js';
import { bundleSha256, type ProgramInputs } from './program-inputs.js';
import { serviceRole } from './service-role.js';

/** What the functions of this program have in common. */
export interface FunctionInputs {
  readonly bundles: ProgramInputs;
  /** One of the values that CloudWatch Logs takes. */
  readonly logRetentionDays: number;
}

export interface FunctionSettings {
  readonly functionName: string;
  readonly description: string;
  /** What the function may do besides writing its log, and the name of the policy that says so. */
  readonly policyName: string;
  readonly mayDo: readonly Statement[];
  readonly environment?: Readonly<Record<string, Input<string>>>;
  /** Seconds. */
  readonly timeout: number;
  /** Megabytes; 256 unless told. */
  readonly memorySize?: number;
  /** How it is invoked asynchronously, if it is: where events go that it could not handle, and for how long it tries. */
  readonly events?: {
    readonly deadLetters: Queue;
    readonly deadLettersArn: string;
    /** Seconds. */
    readonly maximumAge: number;
  };
}

/**
 * A Lambda function with a role of its own and a log group that forgets. Resources are named after `name`.
 *
 * @throws ProgramInputError when its bundle was not uploaded before.
 */
export function lambdaFunction(
  place: Place,
  name: string,
  { bundles, logRetentionDays }: FunctionInputs,
  { functionName, policyName, mayDo, events, ...settings }: FunctionSettings,
): LambdaFunction {
  // Made before the function: Lambda itself would make one that keeps its events for ever.
  const logGroupName = `/aws/lambda/${functionName}`;
  const logGroup = new LogGroup(`${name}-logs`, { logGroupName, retentionInDays: logRetentionDays });
  const role = serviceRole(place, `${name}-role`, {
    roleName: `${functionName}Role`,
    description: settings.description,
    assumeRolePolicyDocument: policyDocument({
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: ['sts:AssumeRole'],
    }),
    policies: [
      {
        policyName,
        policyDocument: policyDocument(
          ...mayDo,
          {
            // The wildcard stands for the log streams of this one group.
            Effect: 'Allow',
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: [arn(place, 'logs', `log-group:${logGroupName}:*`)],
          },
          ...(events
            ? [{ Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: [events.deadLettersArn] } as const]
            : []),
        ),
      },
    ],
  });
  const made = new LambdaFunction(
    name,
    {
      functionName,
      description: settings.description,
      runtime: 'nodejs22.x',
      architectures: ['arm64'],
      handler: 'index.handler',
      code: {
        s3Bucket: bucketNames(place.account, place.region).bootstrap,
        s3Key: objectKeys.functionBundle(functionName, bundleSha256(bundles, functionName)),
      },
      role: role.arn,
      memorySize: settings.memorySize ?? 256,
      timeout: settings.timeout,
      ...(settings.environment && { environment: { variables: settings.environment } }),
      ...(events && { deadLetterConfig: { targetArn: events.deadLetters.arn } }),
    },
    { dependsOn: [logGroup] },
  );
  if (events) {
    new EventInvokeConfig(`${name}-events`, {
      functionName: made.functionName.apply((known) => known ?? functionName),
      qualifier: '$LATEST',
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: events.maximumAge,
    });
  }
  return made;
}
