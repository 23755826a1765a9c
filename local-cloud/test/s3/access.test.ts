import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';

const denied = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } };
let cloud: LocalCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  s3 = new S3Client({ ...clientConfig(cloud), maxAttempts: 1 });
  for (const Bucket of ['guarded', 'other']) await bucket(Bucket);
  for (const Key of ['allowlist.txt', 'secret.txt']) {
    await s3.send(new PutObjectCommand({ Bucket: 'guarded', Key, Body: Key }));
  }
});

async function bucket(Bucket: string): Promise<void> {
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
}

function setPolicy(Bucket: string, ...Statement: object[]) {
  return s3.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  );
}

const anonymously = (path: string, init?: RequestInit) => fetch(`${cloud.endpointUrl}${path}`, init);

describe('a session of a role', () => {
  test('does what its policies allow and nothing else', async () => {
    const session = new S3Client(
      await roleSession(cloud, 'reader', [
        { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::guarded/allowlist.txt' },
      ]),
    );
    const got = await session.send(new GetObjectCommand({ Bucket: 'guarded', Key: 'allowlist.txt' }));
    expect(await got.Body?.transformToString()).toBe('allowlist.txt');
    await expect(
      session.send(new GetObjectCommand({ Bucket: 'guarded', Key: 'secret.txt' })),
    ).rejects.toMatchObject({
      ...denied,
      message: expect.stringContaining(
        'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::guarded/secret.txt" because no identity-based policy allows',
      ),
    });
    for (const command of [
      new PutObjectCommand({ Bucket: 'guarded', Key: 'allowlist.txt', Body: 'x' }),
      new ListObjectsV2Command({ Bucket: 'guarded' }),
      new ListBucketsCommand({}),
      new CreateBucketCommand({ Bucket: 'of-its-own' }),
    ]) {
      await expect(session.send(command as GetObjectCommand)).rejects.toMatchObject(denied);
    }
  });

  test('learns that a key is missing only if it may list the bucket', async () => {
    const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::guarded/*' };
    const blind = new S3Client(await roleSession(cloud, 'blind', [statement]));
    const missing = () => new GetObjectCommand({ Bucket: 'guarded', Key: 'missing' });
    await expect(blind.send(missing())).rejects.toMatchObject(denied);
    const listing = { Effect: 'Allow', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::guarded' };
    const lister = new S3Client(await roleSession(cloud, 'lister', [statement, listing]));
    await expect(lister.send(missing())).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('deletes of many objects those that it may', async () => {
    const session = new S3Client(
      await roleSession(cloud, 'cleaner', [
        { Effect: 'Allow', Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::other/tmp/*' },
      ]),
    );
    const { Deleted, Errors } = await session.send(
      new DeleteObjectsCommand({ Bucket: 'other', Delete: { Objects: [{ Key: 'tmp/a' }, { Key: 'b' }] } }),
    );
    expect(Deleted).toMatchObject([{ Key: 'tmp/a' }]);
    expect(Errors).toMatchObject([{ Key: 'b', Code: 'AccessDenied' }]);
  });

  test('is let in by the bucket policy too, and kept out by it in spite of its own', async () => {
    await bucket('by-policy');
    await s3.send(new PutObjectCommand({ Bucket: 'by-policy', Key: 'a', Body: 'a' }));
    const none = new S3Client(
      await roleSession(cloud, 'guest', [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]),
    );
    const admin = new S3Client(
      await roleSession(cloud, 'admin', [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]),
    );
    const get = () => new GetObjectCommand({ Bucket: 'by-policy', Key: 'a' });
    await expect(none.send(get())).rejects.toMatchObject(denied);
    const rule = (role: string, Effect: string) => ({
      Effect,
      Principal: { AWS: `arn:aws:iam::${cloud.accountId}:role/${role}` },
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::by-policy/*',
    });
    await setPolicy('by-policy', rule('guest', 'Allow'), rule('admin', 'Deny'));
    await (await none.send(get())).Body?.transformToString();
    await expect(admin.send(get())).rejects.toMatchObject(denied);
  });
});

describe('a request that is not signed', () => {
  test('is denied, unless the bucket policy lets everybody in and public access is not blocked', async () => {
    expect((await anonymously('/guarded/allowlist.txt')).status).toBe(403);
    expect((await anonymously('/guarded/allowlist.txt', { method: 'HEAD' })).status).toBe(403);
    await bucket('public');
    await s3.send(new PutObjectCommand({ Bucket: 'public', Key: 'page', Body: 'hello' }));
    const open = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::public/*',
    };
    await expect(setPolicy('public', open)).rejects.toMatchObject(denied);
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket: 'public' }));
    await setPolicy('public', open);
    const { PolicyStatus } = await s3.send(new GetBucketPolicyStatusCommand({ Bucket: 'public' }));
    expect(PolicyStatus?.IsPublic).toBe(true);
    const got = await anonymously('/public/page');
    expect([got.status, await got.text()]).toEqual([200, 'hello']);
    expect((await anonymously('/public/page', { method: 'PUT', body: 'x' })).status).toBe(403);
    expect((await anonymously('/public')).status).toBe(403);
  });

  test('has errors in the shape of S3', async () => {
    const got = await anonymously('/no-such-bucket-here/x');
    expect([got.status, got.headers.get('content-type')]).toEqual([404, 'application/xml']);
    expect(await got.text()).toMatch(
      /<Error><Code>NoSuchBucket<\/Code>.*<BucketName>no-such-bucket-here<\/BucketName>/s,
    );
    expect((await anonymously('/', { method: 'POST' })).status).toBe(405);
  });
});

describe('the bucket policy', () => {
  test('binds the account where it denies, but not from changing the policy itself', async () => {
    await bucket('locked');
    await setPolicy('locked', {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::locked', 'arn:aws:s3:::locked/*'],
    });
    const put = () => s3.send(new PutObjectCommand({ Bucket: 'locked', Key: 'a', Body: 'a' }));
    await expect(put()).rejects.toMatchObject(denied);
    await expect(s3.send(new GetBucketPolicyCommand({ Bucket: 'locked' }))).resolves.toMatchObject({
      Policy: expect.stringContaining('Deny'),
    });
    await s3.send(new DeleteBucketPolicyCommand({ Bucket: 'locked' }));
    await put();
    await expect(s3.send(new GetBucketPolicyCommand({ Bucket: 'locked' }))).rejects.toMatchObject({
      name: 'NoSuchBucketPolicy',
    });
  });

  test('that demands TLS is met on the loopback interface', async () => {
    await setPolicy('other', {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::other', 'arn:aws:s3:::other/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
    await s3.send(new PutObjectCommand({ Bucket: 'other', Key: 'a', Body: 'a' }));
  });

  test.each([
    ['not json', "Policies must be valid JSON and the first byte must be '{'"],
    ['{}', 'Missing required field Statement'],
    [
      JSON.stringify({
        Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::x/*' }],
      }),
      'Policy has invalid resource',
    ],
    [
      JSON.stringify({ Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::guarded' }] }),
      'Missing required field Principal',
    ],
  ])('%s is refused', async (Policy, message) => {
    await expect(s3.send(new PutBucketPolicyCommand({ Bucket: 'guarded', Policy }))).rejects.toMatchObject({
      name: 'MalformedPolicy',
      message,
    });
  });
});
