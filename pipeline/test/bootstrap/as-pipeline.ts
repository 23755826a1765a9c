import { IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { names } from '@mooring/contracts';
import { bootstrap } from '../../src/bootstrap/access.js';
import { type Credentials, clientConfig, type Target } from '../../src/target.js';

/**
 * Bootstraps the cloud, and returns the same target with temporary credentials of the pipeline's role. That the role
 * trusts the account too is this test's doing: no token of GitHub can be had here.
 */
export async function asPipeline(target: Target): Promise<{ target: Target; credentials: Credentials }> {
  await bootstrap(target, { repository: 'owner/name' });
  const iam = new IAMClient(clientConfig(target));
  const sts = new STSClient(clientConfig(target));
  try {
    const statement = { Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'sts:AssumeRole' };
    await iam.send(
      new UpdateAssumeRolePolicyCommand({
        RoleName: names.pipelineRole,
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      }),
    );
    const { Credentials: issued } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::000000000000:role/${names.pipelineRole}`,
        RoleSessionName: 'workflow',
      }),
    );
    const credentials = {
      accessKeyId: issued?.AccessKeyId ?? '',
      secretAccessKey: issued?.SecretAccessKey ?? '',
      sessionToken: issued?.SessionToken ?? '',
    };
    return { target: { ...target, credentials: async () => credentials }, credentials };
  } finally {
    iam.destroy();
    sts.destroy();
  }
}
