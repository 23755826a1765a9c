import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, type Credentials, STSClient } from '@aws-sdk/client-sts';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig } from './cloud.js';

/** Credentials as SDK clients take them. */
export function sessionCredentials(credentials: Credentials | undefined) {
  return {
    accessKeyId: credentials?.AccessKeyId ?? '',
    secretAccessKey: credentials?.SecretAccessKey ?? '',
    sessionToken: credentials?.SessionToken,
  };
}

/** Makes a role with one inline policy and assumes it; returns what an SDK client needs to act as the role. */
export async function roleSession(cloud: LocalCloud, roleName: string, statements: readonly object[]) {
  const config = clientConfig(cloud);
  const iam = new IAMClient(config);
  const trust = { Effect: 'Allow', Principal: { AWS: cloud.accountId }, Action: 'sts:AssumeRole' };
  await iam.send(
    new CreateRoleCommand({
      RoleName: roleName,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: roleName,
      PolicyName: 'permissions',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
    }),
  );
  const { Credentials } = await new STSClient(config).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${cloud.accountId}:role/${roleName}`,
      RoleSessionName: 'test',
    }),
  );
  return { ...config, maxAttempts: 1, credentials: sessionCredentials(Credentials) };
}
