import { GetPolicyCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { names } from '@mooring/contracts';
import { accountOf, clientConfig, type Target } from '../target.js';

/** The ARN of the managed policy that bounds the roles of the infrastructure; undefined in an account without one. */
export async function rolesBoundary(target: Target): Promise<string | undefined> {
  const iam = new IAMClient(clientConfig(target));
  try {
    const PolicyArn = `arn:aws:iam::${await accountOf(target)}:policy/${names.rolesBoundary}`;
    await iam.send(new GetPolicyCommand({ PolicyArn }));
    return PolicyArn;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  } finally {
    iam.destroy();
  }
}
