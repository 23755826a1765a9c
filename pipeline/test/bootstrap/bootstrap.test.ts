import {
  CreateOpenIDConnectProviderCommand,
  DeleteOpenIDConnectProviderCommand,
  GetOpenIDConnectProviderCommand,
  GetRoleCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListPoliciesCommand,
} from '@aws-sdk/client-iam';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { names } from '@mooring/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bootstrap, planBootstrap, removeAccess } from '../../src/bootstrap/access.js';
import { clientConfig } from '../../src/target.js';
import { destroyInfrastructure } from '../../src/teardown/destroy.js';
import { deleteRemains } from '../../src/teardown/remains.js';
import { Mooring } from '../commands/mooring.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';

const PROVIDER = 'arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com';
const repository = 'owner/name';
let cloud: RunningCloud;
let iam: IAMClient;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  iam = new IAMClient(clientConfig(cloud.target));
  s3 = new S3Client(clientConfig(cloud.target));
});
afterAll(async () => {
  for (const client of [iam, s3]) client?.destroy();
  await cloud?.stop();
});

const provider = () => iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: PROVIDER }));
const role = () => iam.send(new GetRoleCommand({ RoleName: names.pipelineRole }));
const bucketCount = async () => (await s3.send(new ListBucketsCommand({}))).Buckets?.length;

test('a plan changes nothing', async () => {
  const { steps } = await planBootstrap(cloud.target, { repository });
  expect(steps.map(({ kind, resource }) => `${kind} ${resource.type}`)).toEqual(
    expect.arrayContaining(['create AWS::IAM::OIDCProvider', 'create AWS::IAM::Role']),
  );
  await expect(provider()).rejects.toMatchObject({ name: 'NoSuchEntityException' });
  expect(await bucketCount()).toBe(0);
});

test('the provider, the role and its policies are made, and a second run changes nothing', async () => {
  const { code, stdout } = await new Mooring(['bootstrap', '--repository', repository], {
    AWS_ENDPOINT_URL: cloud.endpointUrl,
  }).finished;
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /Workflows of owner\/name in the environment local may assume arn:aws:iam::000000000000:role\/MooringPipeline$/m,
  );
  await expect(provider()).resolves.toMatchObject({ ClientIDList: ['sts.amazonaws.com'] });
  const { Role } = await role();
  expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''))).toEqual({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: PROVIDER },
        Action: ['sts:AssumeRoleWithWebIdentity'],
        Condition: {
          StringEquals: {
            'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
            'token.actions.githubusercontent.com:sub': 'repo:owner/name:environment:local',
          },
        },
      },
    ],
  });
  const { AttachedPolicies = [] } = await iam.send(
    new ListAttachedRolePoliciesCommand({ RoleName: names.pipelineRole }),
  );
  expect(AttachedPolicies.length).toBeGreaterThan(1);

  const again = await bootstrap(cloud.target, { repository });
  expect(again).toMatchObject({ plan: { changes: false }, result: { created: 0, updated: 0 } });
});

test.each(['owner', 'owner/name/x', 'owner/*', 'owner/name:ref', '*/name'])(
  '%s is no repository',
  async (wrong) => {
    await expect(bootstrap(cloud.target, { repository: wrong })).rejects.toMatchObject({
      code: 'Repository',
    });
  },
);

test('destroying everything takes the access with it, destroying alone does not', async () => {
  await destroyInfrastructure(cloud.target);
  await role();
  const told: string[] = [];
  await deleteRemains(cloud.target, (line) => told.push(line));
  expect(told.join('\n')).toMatch(/^\d+ resources of the pipeline's access deleted$/m);
  await expect(role()).rejects.toMatchObject({ name: 'NoSuchEntityException' });
  await expect(provider()).rejects.toMatchObject({ name: 'NoSuchEntityException' });
  expect((await iam.send(new ListPoliciesCommand({ Scope: 'Local' }))).Policies).toEqual([]);
  expect(await bucketCount()).toBe(0);
});

test('a provider that the account has already is used, and stays', async () => {
  const Url = 'https://token.actions.githubusercontent.com';
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ['somebody'] }));
  await expect(bootstrap(cloud.target, { repository })).rejects.toMatchObject({
    code: 'Provider',
    message: expect.stringContaining('aws iam add-client-id-to-open-id-connect-provider'),
  });
  await iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: PROVIDER }));
  await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ['somebody', 'sts.amazonaws.com'] }),
  );
  for (let time = 0; time < 2; time++) await bootstrap(cloud.target, { repository });
  await role();
  await removeAccess(cloud.target);
  await expect(role()).rejects.toMatchObject({ name: 'NoSuchEntityException' });
  await expect(provider()).resolves.toMatchObject({ ClientIDList: ['somebody', 'sts.amazonaws.com'] });
});
