import {
  AddClientIDToOpenIDConnectProviderCommand,
  CreateOpenIDConnectProviderCommand,
  DeleteOpenIDConnectProviderCommand,
  GetOpenIDConnectProviderCommand,
  IAMClient,
  ListOpenIDConnectProvidersCommand,
  ListOpenIDConnectProviderTagsCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
  TagOpenIDConnectProviderCommand,
  UntagOpenIDConnectProviderCommand,
  UpdateOpenIDConnectProviderThumbprintCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { roleSession } from '../support/role-session.js';

const GITHUB = 'https://token.actions.githubusercontent.com';
const ARN = 'arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com';
const PRINT = 'ab'.repeat(20);
let cloud: LocalCloud;
let iam: IAMClient;

beforeAll(async () => {
  cloud = await startCloud();
  iam = new IAMClient({ ...clientConfig(cloud), maxAttempts: 1 });
});

const arn = (OpenIDConnectProviderArn: string) => ({ OpenIDConnectProviderArn });
const get = (of = ARN) => iam.send(new GetOpenIDConnectProviderCommand(arn(of)));

test('a provider is made once, read without its scheme, changed, tagged and deleted', async () => {
  const Url = GITHUB;
  const created = await iam.send(
    new CreateOpenIDConnectProviderCommand({
      Url,
      ClientIDList: ['sts.amazonaws.com'],
      ThumbprintList: [PRINT],
      Tags: [{ Key: 'a', Value: '1' }],
    }),
  );
  expect(created).toMatchObject({ OpenIDConnectProviderArn: ARN, Tags: [{ Key: 'a', Value: '1' }] });
  await expect(iam.send(new CreateOpenIDConnectProviderCommand({ Url }))).rejects.toMatchObject({
    name: 'EntityAlreadyExistsException',
    message: `Provider with url ${Url} already exists.`,
  });
  await expect(get()).resolves.toMatchObject({
    Url: 'token.actions.githubusercontent.com',
    ClientIDList: ['sts.amazonaws.com'],
    ThumbprintList: [PRINT],
    CreateDate: expect.any(Date),
    Tags: [{ Key: 'a', Value: '1' }],
  });
  for (let time = 0; time < 2; time++) {
    await iam.send(new AddClientIDToOpenIDConnectProviderCommand({ ...arn(ARN), ClientID: 'other' }));
    await iam.send(
      new RemoveClientIDFromOpenIDConnectProviderCommand({ ...arn(ARN), ClientID: 'sts.amazonaws.com' }),
    );
  }
  await iam.send(
    new UpdateOpenIDConnectProviderThumbprintCommand({ ...arn(ARN), ThumbprintList: ['cd'.repeat(20)] }),
  );
  await iam.send(new TagOpenIDConnectProviderCommand({ ...arn(ARN), Tags: [{ Key: 'b', Value: '2' }] }));
  await iam.send(new UntagOpenIDConnectProviderCommand({ ...arn(ARN), TagKeys: ['a'] }));
  await expect(get()).resolves.toMatchObject({ ClientIDList: ['other'], ThumbprintList: ['cd'.repeat(20)] });
  await expect(iam.send(new ListOpenIDConnectProviderTagsCommand(arn(ARN)))).resolves.toMatchObject({
    Tags: [{ Key: 'b', Value: '2' }],
    IsTruncated: false,
  });
  await expect(iam.send(new ListOpenIDConnectProvidersCommand({}))).resolves.toMatchObject({
    OpenIDConnectProviderList: [{ Arn: ARN }],
  });
  // Deleting what is not there is no failure (IAM API reference, DeleteOpenIDConnectProvider).
  for (let time = 0; time < 2; time++) await iam.send(new DeleteOpenIDConnectProviderCommand(arn(ARN)));
  await expect(get()).rejects.toMatchObject({
    name: 'NoSuchEntityException',
    message: `OpenIDConnect Provider not found for arn ${ARN}`,
  });
});

test.each([
  ['http://example.org', 'InvalidInputException'],
  ['https://example.org?x=1', 'InvalidInputException'],
  ['https://user@example.org', 'InvalidInputException'],
  ['nonsense', 'InvalidInputException'],
  [`https://${'x'.repeat(250)}.org`, 'ValidationError'],
])('%s is no issuer', async (Url, name) => {
  await expect(iam.send(new CreateOpenIDConnectProviderCommand({ Url }))).rejects.toMatchObject({ name });
});

test('limits are those of IAM', async () => {
  const create = (extra: object) =>
    iam.send(new CreateOpenIDConnectProviderCommand({ Url: 'https://limits.example', ...extra }));
  const ClientIDList = Array.from({ length: 101 }, (_, index) => `client-${index}`);
  await expect(create({ ClientIDList })).rejects.toMatchObject({ name: 'LimitExceededException' });
  await expect(create({ ThumbprintList: Array(6).fill(PRINT) })).rejects.toMatchObject({
    name: 'InvalidInputException',
  });
  await expect(create({ ThumbprintList: ['xyz'] })).rejects.toMatchObject({ name: 'ValidationError' });
});

test('AWS::IAM::OIDCProvider', async () => {
  const control = resources(cloud);
  const type = 'AWS::IAM::OIDCProvider';
  const desired = { Url: GITHUB, ClientIdList: ['sts.amazonaws.com'], Tags: [{ Key: 'a', Value: '1' }] };
  expect(await control.create(type, desired)).toBe(ARN);
  await expect(control.create(type, desired)).rejects.toMatchObject({ name: 'AlreadyExists' });
  await expect(control.read(type, ARN)).resolves.toEqual({ ...desired, Arn: ARN, ThumbprintList: [] });
  await control.update(type, ARN, [
    { op: 'replace', path: '/ClientIdList', value: ['b'] },
    { op: 'remove', path: '/Tags' },
  ]);
  await expect(control.read(type, ARN)).resolves.toEqual({
    Url: GITHUB,
    Arn: ARN,
    ClientIdList: ['b'],
    ThumbprintList: [],
  });
  await control.delete(type, ARN);
  await expect(control.delete(type, ARN)).rejects.toMatchObject({ name: 'NotFound' });
});

test('a role may do with providers what its policies say', async () => {
  const allowed = { Effect: 'Allow', Action: 'iam:*OpenIDConnectProvider', Resource: ARN };
  const session = new IAMClient(await roleSession(cloud, 'of-providers', [allowed]));
  await session.send(new CreateOpenIDConnectProviderCommand({ Url: GITHUB }));
  await session.send(new DeleteOpenIDConnectProviderCommand(arn(ARN)));
  await expect(
    session.send(new CreateOpenIDConnectProviderCommand({ Url: 'https://other.example' })),
  ).rejects.toMatchObject({ name: 'AccessDenied' });
});
