import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { clientConfig, type Target } from '../../src/target.js';

const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** A Lambda function of one CommonJS file, in place of one of the fleet's. */
export async function createFunction(target: Target, FunctionName: string, code: string): Promise<void> {
  const iam = new IAMClient(clientConfig(target));
  const lambda = new LambdaClient(clientConfig(target));
  try {
    const { Role } = await iam.send(
      new CreateRoleCommand({ RoleName: FunctionName, AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
    );
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: Role?.Arn,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Code: { ZipFile: zipSync({ 'index.js': strToU8(code) }) },
      }),
    );
  } finally {
    iam.destroy();
    lambda.destroy();
  }
}
