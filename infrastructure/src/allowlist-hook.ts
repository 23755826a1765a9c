import { bucketNames, names, objectKeys } from '@mooring/contracts';
import { Role } from '@pulumi/aws-native/iam/index.js';
import { Function as LambdaFunction } from '@pulumi/aws-native/lambda/index.js';
import { LogGroup } from '@pulumi/aws-native/logs/index.js';
import { arn, bucketArn, type Place } from './place.js';
import { policyDocument } from './policy-document.js';

export interface AllowlistHookInputs {
  /** SHA-256 of the hook's bundle in the bootstrap bucket, in hexadecimal. */
  readonly hookSha256: string;
  /** One of the values that CloudWatch Logs takes. */
  readonly logRetentionDays: number;
}

/** The pre-provisioning hook's function, with its role and its log group. */
export function allowlistHook(place: Place, inputs: AllowlistHookInputs): LambdaFunction {
  const buckets = bucketNames(place.account, place.region);
  const functionName = names.allowlistFunction;
  // Made before the function: Lambda itself would make one that keeps its events for ever.
  const logGroupName = `/aws/lambda/${functionName}`;
  const logGroup = new LogGroup('allowlist-hook-logs', {
    logGroupName,
    retentionInDays: inputs.logRetentionDays,
  });
  const role = new Role('allowlist-hook-role', {
    roleName: `${functionName}Role`,
    description: 'Lets the pre-provisioning hook read the allowlist and write its log',
    assumeRolePolicyDocument: policyDocument({
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: ['sts:AssumeRole'],
    }),
    policies: [
      {
        policyName: 'read-allowlist',
        policyDocument: policyDocument(
          {
            Effect: 'Allow',
            Action: ['s3:GetObject'],
            Resource: [bucketArn(place, buckets.provisioning, objectKeys.allowlist)],
          },
          {
            // The wildcard stands for the log streams of this one group.
            Effect: 'Allow',
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: [arn(place, 'logs', `log-group:${logGroupName}:*`)],
          },
        ),
      },
    ],
  });
  return new LambdaFunction(
    'allowlist-hook',
    {
      functionName,
      description: 'Lets a device join the fleet if its serial number is on the allowlist',
      runtime: 'nodejs22.x',
      architectures: ['arm64'],
      handler: 'index.handler',
      code: {
        s3Bucket: buckets.bootstrap,
        s3Key: objectKeys.functionBundle(names.allowlistFunction, inputs.hookSha256),
      },
      role: role.arn,
      memorySize: 256,
      // AWS IoT waits 5 seconds for a pre-provisioning hook.
      timeout: 5,
      environment: {
        variables: { ALLOWLIST_BUCKET: buckets.provisioning, ALLOWLIST_KEY: objectKeys.allowlist },
      },
    },
    { dependsOn: [logGroup] },
  );
}
