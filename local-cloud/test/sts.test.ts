import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  AssumeRoleCommand,
  AssumeRoleWithSAMLCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../src/clock.js';
import { clientConfig, startCloud } from './support/cloud.js';
import { sessionCredentials } from './support/role-session.js';

const account = 'arn:aws:iam::000000000000';
let sts: STSClient;
let iam: IAMClient;
let config: ReturnType<typeof clientConfig>;

beforeAll(async () => {
  config = { ...clientConfig(await startCloud()), ...{ maxAttempts: 1 } };
  sts = new STSClient(config);
  iam = new IAMClient(config);
});

async function role(RoleName: string, Principal: object, extra: object = {}) {
  await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole', ...extra }],
      }),
    }),
  );
}

function assume(RoleName: string, extra: object = {}, client = sts) {
  return client.send(
    new AssumeRoleCommand({ RoleArn: `${account}:role/${RoleName}`, RoleSessionName: 'session', ...extra }),
  );
}

test('the caller is the account, and an operation that is not built says so by name', async () => {
  await expect(sts.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({
    Account: '000000000000',
    Arn: `${account}:root`,
  });
  await expect(sts.send(new GetFederationTokenCommand({ Name: 'somebody' }))).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('GetFederationToken'),
  });
});

test('callers without credentials learn what is not built, and are asked for some otherwise', async () => {
  await expect(
    sts.send(
      new AssumeRoleWithSAMLCommand({
        RoleArn: `${account}:role/x`,
        PrincipalArn: `${account}:saml-provider/x`,
        SAMLAssertion: 'assertion',
      }),
    ),
  ).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('AssumeRoleWithSAML'),
  });
  const response = await fetch(config.endpoint, {
    method: 'POST',
    body: new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }),
  });
  expect([response.status, await response.text()]).toEqual([
    403,
    expect.stringContaining('<Code>MissingAuthenticationToken</Code>'),
  ]);
});

test('a role that trusts the account is assumed, and its session says who it is', async () => {
  await role('for-account', { AWS: `${account}:root` });
  const { Credentials, AssumedRoleUser } = await assume('for-account');
  expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::000000000000:assumed-role/for-account/session');
  const session = new STSClient({ ...config, credentials: sessionCredentials(Credentials) });
  await expect(session.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({
    Arn: AssumedRoleUser?.Arn,
    UserId: AssumedRoleUser?.AssumedRoleId,
  });
  await expect(session.send(new GetSessionTokenCommand({}))).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('a role is not assumed by whom it does not trust, or under another condition', async () => {
  await role('for-lambda', { Service: 'lambda.amazonaws.com' });
  await expect(assume('for-lambda')).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(assume('no-such-role')).rejects.toMatchObject({ name: 'AccessDenied' });
  await role('external', { AWS: '000000000000' }, { Condition: { StringEquals: { 'sts:ExternalId': 'x' } } });
  await expect(assume('external')).rejects.toMatchObject({ name: 'AccessDenied' });
  await assume('external', { ExternalId: 'x' });
});

test('a role assumes another where it is named, or where its own policies allow it', async () => {
  await role('first', { AWS: `${account}:root` });
  await role('names-first', { AWS: `${account}:role/first` });
  const { Credentials } = await assume('first');
  const first = new STSClient({ ...config, credentials: sessionCredentials(Credentials) });
  await assume('names-first', {}, first);
  await expect(assume('for-account', {}, first)).rejects.toMatchObject({ name: 'AccessDenied' });
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'first',
      PolicyName: 'assume',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: `${account}:role/for-account` }],
      }),
    }),
  );
  await assume('for-account', {}, first);
  await expect(assume('for-account', { DurationSeconds: 3601 }, first)).rejects.toMatchObject({
    name: 'ValidationError',
  });
});

test('what a session is asked to be limited by is not passed over', async () => {
  await expect(assume('for-account', { Policy: '{}' })).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('Policy'),
  });
  await expect(assume('for-account', { DurationSeconds: 10_000 })).rejects.toMatchObject({
    name: 'ValidationError',
  });
});

test('temporary credentials of the account end with their time', async () => {
  const clock = new ManualClock(Date.now());
  const cloud = await startCloud({ clock });
  const own = { ...clientConfig(cloud), maxAttempts: 1 };
  const { Credentials } = await new STSClient(own).send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
  const session = new STSClient({ ...own, credentials: sessionCredentials(Credentials) });
  await expect(session.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({
    Arn: `${account}:root`,
  });
  clock.advance(900_001);
  await expect(session.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: 'ExpiredToken',
  });
});
