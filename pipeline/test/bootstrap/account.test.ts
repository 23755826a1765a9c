import { readdirSync, readFileSync } from 'node:fs';
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { DeleteObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { accountTags, bucketNames, names, objectKeys } from '@mooring/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bootstrap, planBootstrap } from '../../src/bootstrap/access.js';
import { checkAccount, takeAccount } from '../../src/bootstrap/account.js';
import { deployLocal } from '../../src/deploy/index.js';
import { clientConfig, type Target } from '../../src/target.js';
import { Mooring } from '../commands/mooring.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';

const repository = 'owner/name';
const ours = { Bucket: bucketNames('000000000000', 'eu-central-1').bootstrap, Key: objectKeys.accountMarker };
let cloud: RunningCloud;
let dev: Target;
let prod: Target;
let s3: S3Client;
let iam: IAMClient;

beforeAll(async () => {
  cloud = await startCloud();
  // Two stacks whose credentials are those of one account.
  dev = { ...cloud.target, stack: 'dev' };
  prod = { ...cloud.target, stack: 'prod' };
  s3 = new S3Client(clientConfig(cloud.target));
  iam = new IAMClient(clientConfig(cloud.target));
});
afterAll(async () => {
  s3?.destroy();
  iam?.destroy();
  await cloud?.stop();
});

const refusal = {
  code: 'OtherAccount',
  message:
    'The account 000000000000 is the dev account: prod needs an account of its own, use credentials of another one',
};
const buckets = async () => (await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name);

test("an account is nobody's until the first stack takes it, which it may again", async () => {
  await checkAccount(prod);
  expect(await buckets()).toEqual([]);
  expect(await takeAccount(dev)).toBe('000000000000');
  await takeAccount(dev);
  await checkAccount(dev);
});

test('another stack of the account is refused before it changes anything', async () => {
  const before = await buckets();
  await expect(checkAccount(prod)).rejects.toMatchObject(refusal);
  await expect(takeAccount(prod)).rejects.toMatchObject(refusal);
  await expect(bootstrap(prod, { repository })).rejects.toMatchObject(refusal);
  await expect(planBootstrap(prod, { repository })).rejects.toMatchObject(refusal);
  await expect(deployLocal(prod)).rejects.toMatchObject(refusal);
  expect(await buckets()).toEqual(before);
});

test.each([
  ['fleet', 'remove', 'x', '--allowlist', '/dev/null'],
  ['destroy', '--everything'],
])("mooring %s works on no other stack's account", async (...command) => {
  const env = { AWS_ENDPOINT_URL: cloud.endpointUrl };
  const { code, stderr } = await new Mooring(command, env).finished;
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(
      'The account 000000000000 is the dev account: local needs an account of its own',
    ),
  });
});

test('commands take the target unchecked only to read, or check it otherwise', () => {
  const folder = new URL('../../src/commands/', import.meta.url);
  const unchecked = readdirSync(folder)
    .filter(
      (file) =>
        file !== 'context.ts' && /(?<!\w)target\(\)/.test(readFileSync(new URL(file, folder), 'utf8')),
    )
    .map((file) => file.replace(/\.ts$/, ''));
  const reading = ['certificates-list', 'claim', 'components-list', 'dashboard', 'fleet', 'image', 'status'];
  // A device answers for itself; these three check in the library.
  const others = ['button', 'led', 'bootstrap', 'deploy', 'destroy'];
  expect(
    unchecked.filter((file) => ![...reading, ...others].includes(file)),
    'a command that changes something takes `ownTarget()`; one that only reads is to be listed here',
  ).toEqual([]);
});

test('of two stacks at the same time one gets the account', async () => {
  await s3.send(new DeleteObjectCommand(ours));
  const taken = await Promise.allSettled([dev, prod].map((target) => takeAccount(target)));
  expect(taken.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('another region of the account sees what it is for', async () => {
  await s3.send(new DeleteObjectCommand(ours));
  await iam.send(
    new CreateRoleCommand({
      RoleName: names.pipelineRole,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'sts:AssumeRole' }],
      }),
      Tags: [
        { Key: accountTags.stack, Value: 'dev' },
        { Key: accountTags.region, Value: 'eu-west-1' },
      ],
    }),
  );
  await expect(checkAccount(prod)).rejects.toMatchObject(refusal);
  await expect(takeAccount(dev)).rejects.toMatchObject({
    code: 'OtherAccount',
    message: expect.stringMatching(/has its dev fleet in eu-west-1: .* or set AWS_REGION=eu-west-1$/),
  });
  await iam.send(new DeleteRoleCommand({ RoleName: names.pipelineRole }));
});

test('a mark that cannot be read is not taken for none', async () => {
  await s3.send(new PutObjectCommand({ ...ours, Body: 'dev' }));
  await expect(takeAccount(dev)).rejects.toMatchObject({ code: 'AccountMarker' });
});
