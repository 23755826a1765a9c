import { CloudControlClient, ListResourcesCommand } from '@aws-sdk/client-cloudcontrol';
import { DescribeRepositoriesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { basicToken, RegistryApi, testImage } from './images.js';

const TypeName = 'AWS::ECR::Repository';
const rule = {
  rulePriority: 1,
  selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
  action: { type: 'expire' },
};
const LifecyclePolicyText = JSON.stringify({ rules: [rule] });
const RepositoryPolicyText = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: ['ecr:BatchGetImage'] }],
};

test('AWS::ECR::Repository is made, read, updated, listed and deleted', async () => {
  const cloud = await startCloud();
  const control = resources(cloud);
  const ecr = new ECRClient(clientConfig(cloud));
  const id = await control.create(TypeName, {
    RepositoryName: 'team/app',
    ImageTagMutability: 'IMMUTABLE',
    ImageScanningConfiguration: { ScanOnPush: true },
    EncryptionConfiguration: { EncryptionType: 'AES256' },
    LifecyclePolicy: { LifecyclePolicyText },
    RepositoryPolicyText,
    EmptyOnDelete: true,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  expect(id).toBe('team/app');
  expect(await control.read(TypeName, id)).toEqual({
    RepositoryName: 'team/app',
    Arn: `arn:aws:ecr:${cloud.region}:${cloud.accountId}:repository/team/app`,
    RepositoryUri: `127.0.0.1:${cloud.ports.http}/team/app`,
    EncryptionConfiguration: { EncryptionType: 'AES256' },
    ImageScanningConfiguration: { ScanOnPush: true },
    ImageTagMutability: 'IMMUTABLE',
    LifecyclePolicy: { LifecyclePolicyText, RegistryId: cloud.accountId },
    RepositoryPolicyText,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  await control.update(TypeName, id, [
    { op: 'replace', path: '/ImageTagMutability', value: 'MUTABLE' },
    { op: 'remove', path: '/LifecyclePolicy' },
    { op: 'remove', path: '/RepositoryPolicyText' },
    { op: 'replace', path: '/Tags', value: [{ Key: 'b', Value: '2' }] },
    { op: 'add', path: '/EmptyOnDelete', value: true },
  ]);
  const updated = await control.read(TypeName, id);
  expect(updated).toMatchObject({ ImageTagMutability: 'MUTABLE', Tags: [{ Key: 'b', Value: '2' }] });
  expect(updated).not.toHaveProperty('LifecyclePolicy');
  expect(updated).not.toHaveProperty('RepositoryPolicyText');
  await expect(control.create(TypeName, { RepositoryName: 'team/app' })).rejects.toMatchObject({
    name: 'AlreadyExists',
  });

  const generated = await control.create(TypeName, {});
  expect(generated).toMatch(/^repository-[a-z2-7]{12}$/);
  const { ResourceDescriptions } = await new CloudControlClient(clientConfig(cloud)).send(
    new ListResourcesCommand({ TypeName }),
  );
  expect(ResourceDescriptions?.map(({ Identifier }) => Identifier)).toEqual([generated, 'team/app']);

  const api = new RegistryApi(cloud.endpointUrl, await basicToken(ecr));
  for (const name of [generated, id]) await api.push(name, 'v1', testImage('x'));
  await expect(control.delete(TypeName, generated)).rejects.toThrow('still contains images');
  await control.delete(TypeName, id);
  const { repositories } = await ecr.send(new DescribeRepositoriesCommand({}));
  expect(repositories?.map(({ repositoryName }) => repositoryName)).toEqual([generated]);
});
