import {
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  ListResourcesCommand,
  type ProgressEvent,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import { GetFunctionCommand, GetPolicyCommand } from '@aws-sdk/client-lambda';
import { expect, test, vi } from 'vitest';
import { ROLE, startLambda, zip } from './support.js';

const cloud = await startLambda();

async function ended(event: ProgressEvent | undefined): Promise<ProgressEvent> {
  return vi.waitFor(async () => {
    const RequestToken = event?.RequestToken ?? '';
    const status = await cloud.control.send(new GetResourceRequestStatusCommand({ RequestToken }));
    expect(status.ProgressEvent?.OperationStatus).not.toBe('IN_PROGRESS');
    return status.ProgressEvent ?? {};
  });
}

async function create(TypeName: string, desired: object): Promise<ProgressEvent> {
  const DesiredState = JSON.stringify(desired);
  const { ProgressEvent } = await cloud.control.send(new CreateResourceCommand({ TypeName, DesiredState }));
  return ended(ProgressEvent);
}

async function read(TypeName: string, Identifier = ''): Promise<Record<string, unknown>> {
  const { ResourceDescription } = await cloud.control.send(new GetResourceCommand({ TypeName, Identifier }));
  return JSON.parse(ResourceDescription?.Properties ?? '');
}

test('AWS::Lambda::Function: created with inline source, updated, deleted', async () => {
  const TypeName = 'AWS::Lambda::Function';
  const done = await create(TypeName, {
    FunctionName: 'inline',
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: 'exports.handler = async () => process.env.WORD;' },
    Environment: { Variables: { WORD: 'first' } },
    Tags: [{ Key: 'a', Value: '1' }],
  });
  expect(done).toMatchObject({ OperationStatus: 'SUCCESS', Identifier: 'inline' });
  expect((await cloud.invoke('inline')).result).toBe('first');
  const properties = await read(TypeName, 'inline');
  expect(properties).toMatchObject({
    FunctionName: 'inline',
    Arn: 'arn:aws:lambda:eu-central-1:000000000000:function:inline',
    Timeout: 3,
    Environment: { Variables: { WORD: 'first' } },
    Tags: [{ Key: 'a', Value: '1' }],
  });
  expect(properties).not.toHaveProperty('Code');

  const update = async (patch: object[]) => {
    const PatchDocument = JSON.stringify(patch);
    const { ProgressEvent } = await cloud.control.send(
      new UpdateResourceCommand({ TypeName, Identifier: 'inline', PatchDocument }),
    );
    return ended(ProgressEvent);
  };
  const settings = await update([
    { op: 'replace', path: '/Environment/Variables/WORD', value: 'second' },
    { op: 'remove', path: '/Tags' },
  ]);
  expect(settings.OperationStatus).toBe('SUCCESS');
  expect((await cloud.invoke('inline')).result).toBe('second');
  cloud.objects.set('bucket/new.zip', zip({ 'index.js': 'exports.handler = async () => "third";' }));
  const code = await update([{ op: 'add', path: '/Code', value: { S3Bucket: 'bucket', S3Key: 'new.zip' } }]);
  expect(code.OperationStatus).toBe('SUCCESS');
  expect((await cloud.invoke('inline')).result).toBe('third');
  expect(
    await update([
      { op: 'replace', path: '/Timeout', value: 4 },
      { op: 'add', path: '/Layers', value: ['arn:aws:lambda:eu-central-1:000000000000:layer:x:1'] },
    ]),
  ).toMatchObject({ OperationStatus: 'FAILED', ErrorCode: 'InvalidRequest' });

  const { ProgressEvent } = await cloud.control.send(
    new DeleteResourceCommand({ TypeName, Identifier: 'inline' }),
  );
  expect(await ended(ProgressEvent)).toMatchObject({ OperationStatus: 'SUCCESS' });
  await expect(cloud.client.send(new GetFunctionCommand({ FunctionName: 'inline' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('AWS::Lambda::Function: gets a name when it has none; failures are told', async () => {
  const desired = { Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: '' } };
  const done = await create('AWS::Lambda::Function', desired);
  expect(done.Identifier).toMatch(/^function-[a-z2-7]{12}$/);
  expect(await create('AWS::Lambda::Function', { ...desired, Runtime: 'python3.13' })).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'InvalidRequest',
    StatusMessage: expect.stringContaining('python3.13 is not built'),
  });
  expect(await create('AWS::Lambda::Function', { ...desired, RecursiveLoop: 'Allow' })).toMatchObject({
    OperationStatus: 'FAILED',
    StatusMessage: expect.stringContaining('Not built'),
  });
});

test('AWS::Lambda::Permission: created, listed for its function, deleted', async () => {
  await cloud.create('permitted', 'exports.handler = async () => 1;');
  const TypeName = 'AWS::Lambda::Permission';
  const desired = {
    FunctionName: 'permitted',
    Action: 'lambda:InvokeFunction',
    Principal: 'iot.amazonaws.com',
    SourceArn: 'arn:aws:iot:eu-central-1:000000000000:provisioningtemplate/t',
  };
  const done = await create(TypeName, desired);
  expect(done.Identifier).toMatch(/^permitted\|/);
  const Id = done.Identifier?.split('|')[1];
  expect(await read(TypeName, done.Identifier)).toEqual({ ...desired, Id });
  const { Policy } = await cloud.client.send(new GetPolicyCommand({ FunctionName: 'permitted' }));
  expect(JSON.parse(Policy ?? '').Statement).toHaveLength(1);

  await expect(cloud.control.send(new ListResourcesCommand({ TypeName }))).rejects.toMatchObject({
    name: 'InvalidRequestException',
    message: expect.stringContaining('required key [FunctionName] not found'),
  });
  const ResourceModel = JSON.stringify({ FunctionName: 'permitted' });
  const { ResourceDescriptions } = await cloud.control.send(
    new ListResourcesCommand({ TypeName, ResourceModel }),
  );
  expect(ResourceDescriptions?.map(({ Identifier }) => Identifier)).toEqual([done.Identifier]);

  await expect(
    cloud.control.send(
      new UpdateResourceCommand({ TypeName, Identifier: done.Identifier, PatchDocument: '[]' }),
    ),
  ).rejects.toMatchObject({ name: 'UnsupportedActionException' });
  const { ProgressEvent } = await cloud.control.send(
    new DeleteResourceCommand({ TypeName, Identifier: done.Identifier }),
  );
  expect(await ended(ProgressEvent)).toMatchObject({ OperationStatus: 'SUCCESS' });
  await expect(read(TypeName, done.Identifier)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
