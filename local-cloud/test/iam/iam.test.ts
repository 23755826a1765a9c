import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';

const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
const TRUST = document({
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: 'sts:AssumeRole',
});
const POLICY = document({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' });
let cloud: LocalCloud;
let iam: IAMClient;

beforeAll(async () => {
  cloud = await startCloud();
  iam = new IAMClient({ ...clientConfig(cloud), maxAttempts: 1 });
});

const create = (RoleName: string, extra: object = {}) =>
  iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST, ...extra }));

describe('a role', () => {
  test('is made, read, changed, tagged and deleted', async () => {
    const { Role } = await create('plain', {
      Path: '/service/',
      Description: 'first',
      Tags: [{ Key: 'a', Value: '1' }],
    });
    expect(Role).toMatchObject({
      Arn: 'arn:aws:iam::000000000000:role/service/plain',
      RoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}$/),
    });
    await iam.send(
      new UpdateRoleCommand({ RoleName: 'plain', Description: 'second', MaxSessionDuration: 7200 }),
    );
    const trust = document({ Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'sts:AssumeRole' });
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'plain', PolicyDocument: trust }));
    const got = await iam.send(new GetRoleCommand({ RoleName: 'plain' }));
    expect(got.Role).toMatchObject({
      Description: 'second',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'a', Value: '1' }],
    });
    expect(decodeURIComponent(got.Role?.AssumeRolePolicyDocument ?? '')).toBe(trust);
    await iam.send(new TagRoleCommand({ RoleName: 'plain', Tags: [{ Key: 'b', Value: '2' }] }));
    await iam.send(new UntagRoleCommand({ RoleName: 'plain', TagKeys: ['a'] }));
    const { Tags } = await iam.send(new ListRoleTagsCommand({ RoleName: 'plain' }));
    expect(Tags).toEqual([{ Key: 'b', Value: '2' }]);
    await iam.send(new DeleteRoleCommand({ RoleName: 'plain' }));
    await expect(iam.send(new GetRoleCommand({ RoleName: 'plain' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      message: 'The role with name plain cannot be found.',
    });
  });

  test.each([
    ['taken', {}, 'EntityAlreadyExistsException'],
    ['TAKEN', {}, 'EntityAlreadyExistsException'],
    ['bad name', {}, 'ValidationError'],
    ['bad-trust', { AssumeRolePolicyDocument: '{' }, 'MalformedPolicyDocumentException'],
    ['resource-in-trust', { AssumeRolePolicyDocument: POLICY }, 'MalformedPolicyDocumentException'],
    ['bad-duration', { MaxSessionDuration: 60 }, 'ValidationError'],
  ])('%s with %j is refused with %s', async (name, extra, code) => {
    await create('taken').catch(() => undefined);
    await expect(create(name, extra)).rejects.toMatchObject({ name: code });
  });

  test('has inline policies, and is deleted only without them', async () => {
    await create('inline');
    const policy = { RoleName: 'inline', PolicyName: 'p' };
    await expect(
      iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: '{"Statement":[]}' })),
    ).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
    await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: POLICY }));
    const { PolicyDocument } = await iam.send(new GetRolePolicyCommand(policy));
    expect(decodeURIComponent(PolicyDocument ?? '')).toBe(POLICY);
    const { PolicyNames } = await iam.send(new ListRolePoliciesCommand({ RoleName: 'inline' }));
    expect(PolicyNames).toEqual(['p']);
    await expect(iam.send(new DeleteRoleCommand({ RoleName: 'inline' }))).rejects.toMatchObject({
      name: 'DeleteConflictException',
      message: 'Cannot delete entity, must delete policies first.',
    });
    await iam.send(new DeleteRolePolicyCommand(policy));
    await expect(iam.send(new DeleteRolePolicyCommand(policy))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
    });
    await iam.send(new DeleteRoleCommand({ RoleName: 'inline' }));
  });

  test('has managed policies of AWS attached', async () => {
    await create('managed');
    const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'managed', PolicyArn }));
    const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: 'managed' }));
    expect(AttachedPolicies).toEqual([{ PolicyArn, PolicyName: 'AWSLambdaBasicExecutionRole' }]);
    await expect(iam.send(new DeleteRoleCommand({ RoleName: 'managed' }))).rejects.toMatchObject({
      message: 'Cannot delete entity, must detach all policies first.',
    });
    await iam.send(new DetachRolePolicyCommand({ RoleName: 'managed', PolicyArn }));
    await expect(
      iam.send(
        new AttachRolePolicyCommand({
          RoleName: 'managed',
          PolicyArn: 'arn:aws:iam::aws:policy/NoSuchPolicy',
        }),
      ),
    ).rejects.toMatchObject({ name: 'NoSuchEntityException' });
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const { PolicyVersion } = await iam.send(
      new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
    );
    expect(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? ''))).toMatchObject({
      Statement: [{ Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'] }],
    });
  });

  test('is listed page by page', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) await create(name, { Path: '/list/' });
    const names: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await iam.send(new ListRolesCommand({ PathPrefix: '/list/', MaxItems: 2, Marker }));
      names.push(...(page.Roles ?? []).map(({ RoleName }) => RoleName));
      Marker = page.Marker;
    } while (Marker);
    expect(names).toEqual(['list-a', 'list-b', 'list-c']);
  });
});

test('a managed policy has versions, five at most, and goes when nobody has it', async () => {
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'own', PolicyDocument: POLICY }));
  const PolicyArn = Policy?.Arn;
  expect(PolicyArn).toBe('arn:aws:iam::000000000000:policy/own');
  await expect(
    iam.send(new CreatePolicyCommand({ PolicyName: 'own', PolicyDocument: POLICY })),
  ).rejects.toMatchObject({ name: 'EntityAlreadyExistsException' });
  const version = () =>
    iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: POLICY, SetAsDefault: true }));
  for (let count = 2; count <= 5; count += 1) await version();
  await expect(version()).rejects.toMatchObject({ name: 'LimitExceededException' });
  await expect(
    iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: 'v5' })),
  ).rejects.toMatchObject({ name: 'DeleteConflictException' });
  await create('holder');
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'holder', PolicyArn }));
  const { PolicyRoles } = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn }));
  expect(PolicyRoles).toMatchObject([{ RoleName: 'holder' }]);
  await expect(iam.send(new DeletePolicyCommand({ PolicyArn }))).rejects.toMatchObject({
    name: 'DeleteConflictException',
  });
  await iam.send(new DetachRolePolicyCommand({ RoleName: 'holder', PolicyArn }));
  for (const VersionId of ['v1', 'v2', 'v3', 'v4']) {
    await iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }));
  }
  const { Versions } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
  expect(Versions).toMatchObject([{ VersionId: 'v5', IsDefaultVersion: true }]);
  await iam.send(new DeletePolicyCommand({ PolicyArn }));
  const { Policies } = await iam.send(new ListPoliciesCommand({ Scope: 'Local' }));
  expect(Policies ?? []).toEqual([]);
});

test('a permissions boundary limits what a role may do', async () => {
  const boundary = await iam.send(
    new CreatePolicyCommand({
      PolicyName: 'boundary',
      PolicyDocument: document({ Effect: 'Allow', Action: 'iam:GetRole', Resource: '*' }),
    }),
  );
  const config = await roleSession(cloud, 'bounded', [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }]);
  const session = new IAMClient(config);
  await session.send(new ListRolesCommand({}));
  await iam.send(
    new PutRolePermissionsBoundaryCommand({
      RoleName: 'bounded',
      PermissionsBoundary: boundary.Policy?.Arn,
    }),
  );
  await session.send(new GetRoleCommand({ RoleName: 'bounded' }));
  await expect(session.send(new ListRolesCommand({}))).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('what is not built says so by name', async () => {
  await expect(iam.send(new CreateUserCommand({ UserName: 'u' }))).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('CreateUser'),
  });
});

test('policies have the sizes that IAM takes, white space not counted', async () => {
  const allow = (bytes: number) => {
    const text = document({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::' });
    return text.replace(':::', `:::${'b'.repeat(bytes - text.length)}`);
  };
  const policy = (PolicyName: string, PolicyDocument: string) =>
    iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument }));
  const { Policy } = await policy('full', `${allow(6144)}${' '.repeat(500)}`);
  await expect(policy('too-large', allow(6145))).rejects.toMatchObject({
    name: 'LimitExceededException',
    message: 'Cannot exceed quota for PolicySize: 6144',
  });
  await expect(
    iam.send(new CreatePolicyVersionCommand({ PolicyArn: Policy?.Arn, PolicyDocument: allow(6145) })),
  ).rejects.toMatchObject({ name: 'LimitExceededException' });
  await create('inline');
  const put = (PolicyName: string, PolicyDocument: string) =>
    iam.send(new PutRolePolicyCommand({ RoleName: 'inline', PolicyName, PolicyDocument }));
  await put('a', allow(6000));
  await put('b', allow(4240));
  await put('a', allow(6000));
  await expect(put('c', allow(200))).rejects.toMatchObject({
    name: 'LimitExceededException',
    message: 'Maximum policy size of 10240 bytes exceeded for role inline',
  });
});
