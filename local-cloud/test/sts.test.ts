import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from './support/cloud.js';

test('the caller is the account, and an operation that is not built says so by name', async () => {
  const client = new STSClient({ ...clientConfig(await startCloud()), maxAttempts: 1 });
  await expect(client.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({
    Account: '000000000000',
    Arn: 'arn:aws:iam::000000000000:root',
  });
  await expect(client.send(new GetSessionTokenCommand({}))).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('GetSessionToken'),
  });
});
