import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';

const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};
const policy = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});
const BASIC = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
let iam: IAMClient;
let control: ReturnType<typeof resources>;

beforeAll(async () => {
  const cloud = await startCloud();
  iam = new IAMClient({ ...clientConfig(cloud), maxAttempts: 1 });
  control = resources(cloud);
});

test('AWS::IAM::Role brings its policies along and takes them with it', async () => {
  const type = 'AWS::IAM::Role';
  const desired = {
    RoleName: 'hook',
    Description: 'x',
    AssumeRolePolicyDocument: trust,
    ManagedPolicyArns: [BASIC],
    Policies: [
      { PolicyName: 'read', PolicyDocument: policy('s3:GetObject') },
      { PolicyName: 'list', PolicyDocument: policy('s3:ListBucket') },
    ],
    Tags: [{ Key: 'a', Value: '1' }],
  };
  const RoleName = await control.create(type, desired);
  await expect(control.read(type, RoleName)).resolves.toMatchObject({
    ...desired,
    Arn: 'arn:aws:iam::000000000000:role/hook',
    Path: '/',
    MaxSessionDuration: 3600,
  });
  // A policy that came another way stays where it is.
  await iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName: 'other',
      PolicyDocument: JSON.stringify(policy('iot:Publish')),
    }),
  );
  await control.update(type, RoleName, [
    { op: 'remove', path: '/ManagedPolicyArns' },
    { op: 'replace', path: '/Policies', value: [{ PolicyName: 'read', PolicyDocument: policy('s3:Get*') }] },
    { op: 'replace', path: '/MaxSessionDuration', value: 7200 },
  ]);
  const { PolicyNames } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  expect(PolicyNames).toContain('read');
  expect(PolicyNames).not.toContain('list');
  const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'read' }));
  expect(JSON.parse(decodeURIComponent(PolicyDocument ?? ''))).toEqual(policy('s3:Get*'));
  const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  expect(AttachedPolicies ?? []).toEqual([]);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  expect(Role).toMatchObject({ MaxSessionDuration: 7200, Description: 'x' });
  await control.delete(type, RoleName);
  await expect(iam.send(new GetRoleCommand({ RoleName }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });
});

test('a role that cannot be made whole is not made at all', async () => {
  await expect(
    control.create('AWS::IAM::Role', {
      RoleName: 'half',
      AssumeRolePolicyDocument: trust,
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/NoSuchPolicy'],
    }),
  ).rejects.toMatchObject({ name: 'NotFound' });
  await expect(iam.send(new GetRoleCommand({ RoleName: 'half' }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });
  await expect(
    control.create('AWS::IAM::Role', { RoleName: 'bad', AssumeRolePolicyDocument: policy('s3:*') }),
  ).rejects.toMatchObject({ name: 'InvalidRequest' });
});

test('AWS::IAM::RolePolicy is a policy in a role', async () => {
  const RoleName = await control.create('AWS::IAM::Role', { AssumeRolePolicyDocument: trust });
  const type = 'AWS::IAM::RolePolicy';
  const desired = { RoleName, PolicyName: 'p', PolicyDocument: policy('s3:GetObject') };
  const identifier = await control.create(type, desired);
  expect(identifier).toBe(`p|${RoleName}`);
  await expect(control.read(type, identifier)).resolves.toEqual(desired);
  await control.update(type, identifier, [
    { op: 'replace', path: '/PolicyDocument', value: policy('s3:PutObject') },
  ]);
  await expect(control.read(type, identifier)).resolves.toMatchObject({
    PolicyDocument: policy('s3:PutObject'),
  });
  await control.delete(type, identifier);
  await expect(control.read(type, identifier)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('AWS::IAM::ManagedPolicy is attached to its roles and keeps to five versions', async () => {
  const RoleName = await control.create('AWS::IAM::Role', { AssumeRolePolicyDocument: trust });
  const type = 'AWS::IAM::ManagedPolicy';
  const arn = await control.create(type, {
    ManagedPolicyName: 'shared',
    PolicyDocument: policy('s3:Get*'),
    Roles: [RoleName],
  });
  expect(arn).toBe('arn:aws:iam::000000000000:policy/shared');
  for (let count = 0; count < 6; count += 1) {
    await control.update(type, arn, [
      { op: 'replace', path: '/PolicyDocument', value: policy(`s3:Get${count}*`) },
    ]);
  }
  await expect(control.read(type, arn)).resolves.toMatchObject({
    PolicyDocument: policy('s3:Get5*'),
    Roles: [RoleName],
    AttachmentCount: 1,
  });
  await control.delete(type, arn);
  const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  expect(AttachedPolicies ?? []).toEqual([]);
});
