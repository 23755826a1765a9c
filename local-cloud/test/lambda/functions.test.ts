import { createHash, randomBytes } from 'node:crypto';
import {
  AddPermissionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  PublishVersionCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { type AsyncZippableFile, strToU8, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { ROLE, startLambda, zip } from './support.js';

const cloud = await startLambda();
const { client } = cloud;
const CODE = 'exports.handler = async () => 1;';

test('a function is created, described, listed, changed and deleted', async () => {
  const package1 = zip({ 'index.js': CODE });
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64');
  const created = await cloud.create('f1', CODE, { Timeout: 10, Tags: { a: '1' } });
  expect(created).toMatchObject({
    FunctionName: 'f1',
    FunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:f1',
    Runtime: 'nodejs22.x',
    Role: ROLE,
    Handler: 'index.handler',
    Timeout: 10,
    MemorySize: 128,
    CodeSize: package1.length,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    Version: '$LATEST',
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    LastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/),
  });
  const described = await client.send(new GetFunctionCommand({ FunctionName: 'f1' }));
  expect(described.Configuration).toMatchObject({
    CodeSha256: created.CodeSha256,
    RevisionId: created.RevisionId,
  });
  expect(described.Tags).toEqual({ a: '1' });
  const location = await fetch(described.Code?.Location ?? '');
  expect(sha256(new Uint8Array(await location.arrayBuffer()))).toBe(created.CodeSha256);
  expect((await fetch((described.Code?.Location ?? '').replace(/[0-9a-f]{64}/, '..'))).status).not.toBe(200);

  const { Functions } = await client.send(new ListFunctionsCommand({}));
  expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual(['f1']);

  const configured = await client.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: 'f1',
      MemorySize: 512,
      Environment: { Variables: { AB: 'c' } },
      RevisionId: created.RevisionId,
    }),
  );
  expect(configured).toMatchObject({ MemorySize: 512, Timeout: 10, Environment: { Variables: { AB: 'c' } } });
  expect(configured.RevisionId).not.toBe(created.RevisionId);
  const ZipFile = zip({ 'index.js': 'exports.handler = async () => 2;' });
  const stale = new UpdateFunctionCodeCommand({
    FunctionName: 'f1',
    ZipFile,
    RevisionId: created.RevisionId,
  });
  await expect(client.send(stale)).rejects.toMatchObject({ name: 'PreconditionFailedException' });
  const dry = await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'f1', ZipFile, DryRun: true }));
  expect(dry.CodeSha256).toBe(sha256(ZipFile));
  const unchanged = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'f1' }));
  expect(unchanged.CodeSha256).toBe(created.CodeSha256);
  await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'f1', ZipFile }));
  expect((await cloud.invoke('f1')).result).toBe(2);

  await client.send(new DeleteFunctionCommand({ FunctionName: 'f1' }));
  await expect(client.send(new DeleteFunctionCommand({ FunctionName: 'f1' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: 'Function not found: arn:aws:lambda:eu-central-1:000000000000:function:f1',
  });
});

test('code comes from S3 too', async () => {
  cloud.objects.set('bucket/code.zip', zip({ 'index.js': CODE }));
  await cloud.create('from-s3', '', { Code: { S3Bucket: 'bucket', S3Key: 'code.zip' } });
  expect((await cloud.invoke('from-s3')).result).toBe(1);
  await expect(
    cloud.create('from-nowhere', '', { Code: { S3Bucket: 'bucket', S3Key: 'none.zip' } }),
  ).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
    message:
      'Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.',
  });
});

test('code of 40 MB comes with the request itself, more than 50 MB is refused', async () => {
  const padding = (megabytes: number) => ({
    'index.js': [strToU8(CODE), { level: 6 }] as AsyncZippableFile,
    'padding.bin': [randomBytes(megabytes * 1_000_000), { level: 0 }] as AsyncZippableFile,
  });
  const created = await cloud.create('large', '', { Code: { ZipFile: zipSync(padding(40)) } });
  expect(created.CodeSize).toBeGreaterThan(40_000_000);
  expect((await cloud.invoke('large')).result).toBe(1);
  const tooLarge = cloud.create('too-large', '', { Code: { ZipFile: zipSync(padding(53)) } });
  await expect(tooLarge).rejects.toMatchObject({ $metadata: { httpStatusCode: 413 } });
  // The connection that the refused request came by is as good as before.
  await client.send(new ListFunctionsCommand({}));
});

test('lists come in pages', async () => {
  for (const name of ['page-1', 'page-2', 'page-3']) await cloud.create(name, CODE);
  const names: (string | undefined)[] = [];
  let Marker: string | undefined;
  do {
    const page = await client.send(new ListFunctionsCommand({ MaxItems: 2, Marker }));
    names.push(...(page.Functions ?? []).map(({ FunctionName }) => FunctionName));
    Marker = page.NextMarker;
  } while (Marker);
  expect(names).toEqual(expect.arrayContaining(['page-1', 'page-2', 'page-3']));
  expect(new Set(names).size).toBe(names.length);
});

describe('refused', () => {
  const invalid = 'InvalidParameterValueException';
  test.each([
    [
      'unknown role',
      { Role: 'arn:aws:iam::000000000000:role/nobody' },
      invalid,
      /cannot be assumed by Lambda/,
    ],
    ['no role ARN', { Role: 'nobody' }, 'ValidationException', /'nobody' at 'role'/],
    [
      'Python',
      { Runtime: 'python3.13' },
      invalid,
      /python3\.13 is not built in the local cloud, which runs nodejs18\.x/,
    ],
    ['no runtime', { Runtime: undefined }, invalid, /Runtime is mandatory/],
    ['no handler', { Handler: undefined }, invalid, /Handler is mandatory/],
    ['handler with a space', { Handler: 'a b' }, 'ValidationException', /at 'handler'/],
    [
      'little memory',
      { MemorySize: 64 },
      'ValidationException',
      /'64' at 'memorySize'.*greater than or equal to 128/,
    ],
    ['much memory', { MemorySize: 20_000 }, 'ValidationException', /less than or equal to 10240/],
    ['long timeout', { Timeout: 901 }, 'ValidationException', /less than or equal to 900/],
    [
      'reserved variable',
      { Environment: { Variables: { AWS_REGION: 'x' } } },
      invalid,
      /reserved keys.*AWS_REGION/,
    ],
    ['bad variable', { Environment: { Variables: { '1A': 'x' } } }, 'ValidationException', /environment/],
    ['large environment', { Environment: { Variables: { AB: 'x'.repeat(5000) } } }, invalid, /4KB limit/],
    [
      'layers',
      { Layers: ['arn:aws:lambda:eu-central-1:1:layer:x:1'] },
      invalid,
      /Not built in the local cloud: Layers/,
    ],
    ['image', { PackageType: 'Image', Code: { ImageUri: 'x' } }, invalid, /Not built/],
    ['no code', { Code: {} }, invalid, /source for function code/],
    ['no zip', { Code: { ZipFile: Buffer.from('hello') } }, invalid, /Could not unzip/],
    ['bad name', { FunctionName: 'no name' }, 'ValidationException', /functionName/],
  ])('%s', async (_name, more, name, message) => {
    await expect(cloud.create('refused', CODE, more)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
    await expect(client.send(new GetFunctionCommand({ FunctionName: 'refused' }))).rejects.toThrow();
  });

  test('a second function of the same name', async () => {
    await cloud.create('twice', CODE);
    await expect(cloud.create('twice', CODE)).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: 'Function already exist: twice',
    });
  });

  test('what is not built, by name', async () => {
    await expect(client.send(new PublishVersionCommand({ FunctionName: 'twice' }))).rejects.toMatchObject({
      name: 'NotImplementedException',
      message: expect.stringContaining('PublishVersion'),
    });
  });
});

test('permissions are added, shown and removed', async () => {
  await cloud.create('permitted', CODE);
  const FunctionName = 'permitted';
  await expect(client.send(new GetPolicyCommand({ FunctionName }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const wanted = {
    FunctionName,
    StatementId: 'sns',
    Action: 'lambda:InvokeFunction',
    Principal: 'sns.amazonaws.com',
    SourceArn: 'arn:aws:sns:eu-central-1:000000000000:topic',
    SourceAccount: '000000000000',
  };
  const { Statement } = await client.send(new AddPermissionCommand(wanted));
  const statement = {
    Sid: 'sns',
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'lambda:InvokeFunction',
    Resource: 'arn:aws:lambda:eu-central-1:000000000000:function:permitted',
    Condition: {
      StringEquals: { 'AWS:SourceAccount': '000000000000' },
      ArnLike: { 'AWS:SourceArn': 'arn:aws:sns:eu-central-1:000000000000:topic' },
    },
  };
  expect(JSON.parse(Statement ?? '')).toEqual(statement);
  await expect(client.send(new AddPermissionCommand(wanted))).rejects.toMatchObject({
    name: 'ResourceConflictException',
  });
  await client.send(
    new AddPermissionCommand({ ...wanted, StatementId: 'account', Principal: '111122223333' }),
  );
  const { Policy } = await client.send(new GetPolicyCommand({ FunctionName }));
  expect(JSON.parse(Policy ?? '')).toMatchObject({
    Version: '2012-10-17',
    Statement: [statement, { Principal: { AWS: 'arn:aws:iam::111122223333:root' } }],
  });
  await expect(
    client.send(new AddPermissionCommand({ ...wanted, StatementId: 'x', Principal: 'somebody' })),
  ).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  for (const StatementId of ['sns', 'account']) {
    await client.send(new RemovePermissionCommand({ FunctionName, StatementId }));
  }
  await expect(
    client.send(new RemovePermissionCommand({ FunctionName, StatementId: 'sns' })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(client.send(new GetPolicyCommand({ FunctionName }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('tags are set, listed and removed', async () => {
  const { FunctionArn: Resource } = await cloud.create('tagged', CODE, { Tags: { a: '1' } });
  await client.send(new TagResourceCommand({ Resource, Tags: { b: '2', c: '3' } }));
  await client.send(new UntagResourceCommand({ Resource, TagKeys: ['a', 'c'] }));
  expect((await client.send(new ListTagsCommand({ Resource }))).Tags).toEqual({ b: '2' });
});
