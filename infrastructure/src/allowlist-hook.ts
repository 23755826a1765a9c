import { bucketNames, names, objectKeys } from '@mooring/contracts';
import type { Function as LambdaFunction } from '@pulumi/aws-native/lambda/index.js';
import { type FunctionInputs, lambdaFunction } from './lambda-function.js';
import { bucketArn, type Place } from './place.js';

/** The pre-provisioning hook's function, with its role and its log group. */
export function allowlistHook(place: Place, inputs: FunctionInputs): LambdaFunction {
  const { provisioning } = bucketNames(place.account, place.region);
  return lambdaFunction(place, 'allowlist-hook', inputs, {
    functionName: names.allowlistFunction,
    description: 'Lets a device join the fleet if its serial number is on the allowlist',
    policyName: 'read-allowlist',
    mayDo: [
      {
        Effect: 'Allow',
        Action: ['s3:GetObject'],
        Resource: [bucketArn(place, provisioning, objectKeys.allowlist)],
      },
    ],
    environment: { ALLOWLIST_BUCKET: provisioning, ALLOWLIST_KEY: objectKeys.allowlist },
    // AWS IoT waits 5 seconds for a pre-provisioning hook.
    timeout: 5,
  });
}
