import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';

let cloud: LocalCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  s3 = new S3Client({ ...clientConfig(cloud), maxAttempts: 1 });
  await create('objects');
});

function create(bucket: string) {
  return s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
}

async function text(key: string, extra: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'objects', Key: key, ...extra }));
  return Body?.transformToString() ?? '';
}

describe('buckets', () => {
  test('are made, found, listed and deleted', async () => {
    await create('first-bucket');
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'first-bucket' }))).resolves.toMatchObject({
      BucketRegion: 'eu-central-1',
    });
    await expect(s3.send(new GetBucketLocationCommand({ Bucket: 'first-bucket' }))).resolves.toMatchObject({
      LocationConstraint: 'eu-central-1',
    });
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toContain('first-bucket');
    await s3.send(new DeleteBucketCommand({ Bucket: 'first-bucket' }));
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'first-bucket' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  test.each([
    ['Capital', 'InvalidBucketName'],
    ['ab', 'InvalidBucketName'],
    ['192.168.1.1', 'InvalidBucketName'],
    ['objects', 'BucketAlreadyOwnedByYou'],
  ])('%s is refused with %s', async (bucket, name) => {
    await expect(create(bucket)).rejects.toMatchObject({ name });
  });

  test('are made in the region of the endpoint, and us-east-1 says yes twice', async () => {
    await expect(
      s3.send(
        new CreateBucketCommand({
          Bucket: 'elsewhere',
          CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
        }),
      ),
    ).rejects.toMatchObject({ name: 'IllegalLocationConstraintException' });
    const virginia = new S3Client({ ...clientConfig(cloud), region: 'us-east-1' });
    await virginia.send(new CreateBucketCommand({ Bucket: 'old-region' }));
    await virginia.send(new CreateBucketCommand({ Bucket: 'old-region' }));
    const { LocationConstraint } = await virginia.send(
      new GetBucketLocationCommand({ Bucket: 'old-region' }),
    );
    expect(LocationConstraint).toBeUndefined();
  });

  test('that hold something are not deleted', async () => {
    await create('full');
    await s3.send(new PutObjectCommand({ Bucket: 'full', Key: 'a', Body: 'x' }));
    await expect(s3.send(new DeleteBucketCommand({ Bucket: 'full' }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
    });
  });
});

describe('an object', () => {
  test('comes back as it was put', async () => {
    const body = randomBytes(3_000_000);
    const put = await s3.send(
      new PutObjectCommand({
        Bucket: 'objects',
        Key: 'a folder/ü & +.bin',
        Body: body,
        ContentType: 'application/x-test',
        CacheControl: 'no-cache',
        Metadata: { origin: 'test' },
      }),
    );
    expect(put.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    expect(put.ServerSideEncryption).toBe('AES256');
    const got = await s3.send(new GetObjectCommand({ Bucket: 'objects', Key: 'a folder/ü & +.bin' }));
    expect(got).toMatchObject({
      ContentType: 'application/x-test',
      CacheControl: 'no-cache',
      ContentLength: body.length,
      Metadata: { origin: 'test' },
      ETag: put.ETag,
    });
    expect(body.equals((await got.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  test.each([
    ['FOO', 'InvalidStorageClass', 400],
    ['GLACIER', 'NotImplemented', 501],
  ])('is not put into the storage class %s', async (name, code, httpStatusCode) => {
    const put = new PutObjectCommand({
      Bucket: 'objects',
      Key: 'class',
      Body: '',
      StorageClass: name as 'STANDARD',
    });
    await expect(s3.send(put)).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode } });
  });

  test.each([
    [{ ServerSideEncryption: 'FOO' as 'AES256' }, 'InvalidEncryptionAlgorithmError'],
    [{ ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: 'key' }, 'NotImplemented'],
    [{ SSECustomerAlgorithm: 'AES256' }, 'NotImplemented'],
  ])('is not said to be encrypted with what is not there: %j', async (encryption, name) => {
    const put = new PutObjectCommand({ Bucket: 'objects', Key: 'secret', Body: '', ...encryption });
    await expect(s3.send(put)).rejects.toMatchObject({ name });
  });

  test('may be empty, and may be streamed', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'objects', Key: 'empty', Body: '' }));
    expect(await text('empty')).toBe('');
    const parts = Array.from({ length: 50 }, (_, index) => Buffer.alloc(70_001, index));
    await s3.send(
      new PutObjectCommand({
        Bucket: 'objects',
        Key: 'streamed',
        Body: Readable.from(parts, { objectMode: false }),
        ContentLength: 50 * 70_001,
      }),
    );
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'objects', Key: 'streamed' }));
    expect(Buffer.concat(parts).equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  test('that is not there is NoSuchKey, to HEAD a bare 404', async () => {
    await expect(text('missing')).rejects.toMatchObject({ name: 'NoSuchKey', Key: 'missing' });
    await expect(s3.send(new HeadObjectCommand({ Bucket: 'objects', Key: 'missing' }))).rejects.toMatchObject(
      { name: 'NotFound' },
    );
    await expect(s3.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'x' }))).rejects.toMatchObject(
      { name: 'NoSuchBucket', BucketName: 'no-such-bucket' },
    );
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'is checked and returned with a checksum of %s',
    async (algorithm) => {
      const Key = `checksum-${algorithm}`;
      const put = await s3.send(
        new PutObjectCommand({ Bucket: 'objects', Key, Body: 'hello world', ChecksumAlgorithm: algorithm }),
      );
      const member = `Checksum${algorithm}` as const;
      expect(put[member]).toBeTruthy();
      const got = await s3.send(new GetObjectCommand({ Bucket: 'objects', Key, ChecksumMode: 'ENABLED' }));
      expect(got[member]).toBe(put[member]);
      expect(await got.Body?.transformToString()).toBe('hello world');
    },
  );

  test('with a wrong checksum or digest is not kept', async () => {
    const base = { Bucket: 'objects', Key: 'spoilt', Body: 'hello' };
    await expect(s3.send(new PutObjectCommand({ ...base, ChecksumCRC32: 'AAAAAA==' }))).rejects.toMatchObject(
      { name: 'BadDigest' },
    );
    await expect(
      s3.send(new PutObjectCommand({ ...base, ContentMD5: Buffer.alloc(16).toString('base64') })),
    ).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(text('spoilt')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('is read in ranges', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'objects', Key: 'digits', Body: '0123456789' }));
    expect(await text('digits', { Range: 'bytes=2-4' })).toBe('234');
    expect(await text('digits', { Range: 'bytes=-3' })).toBe('789');
    expect(await text('digits', { Range: 'bytes=7-' })).toBe('789');
    const part = await s3.send(
      new GetObjectCommand({ Bucket: 'objects', Key: 'digits', Range: 'bytes=0-0' }),
    );
    expect(part).toMatchObject({ ContentRange: 'bytes 0-0/10', $metadata: { httpStatusCode: 206 } });
    await part.Body?.transformToByteArray();
    await expect(text('digits', { Range: 'bytes=10-' })).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  test('is read and written under conditions', async () => {
    const { ETag } = await s3.send(
      new PutObjectCommand({ Bucket: 'objects', Key: 'conditional', Body: '1' }),
    );
    expect(await text('conditional', { IfMatch: ETag })).toBe('1');
    await expect(text('conditional', { IfMatch: '"other"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await expect(text('conditional', { IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    const put = (extra: object) =>
      s3.send(new PutObjectCommand({ Bucket: 'objects', Key: 'conditional', Body: '2', ...extra }));
    await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put({ IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await put({ IfMatch: ETag });
    expect(await text('conditional')).toBe('2');
    await s3.send(new PutObjectCommand({ Bucket: 'objects', Key: 'new', Body: 'x', IfNoneMatch: '*' }));
  });

  test('answers with the headers that the caller wants instead', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'objects', Key: 'override', Body: 'x' }));
    const got = await s3.send(
      new GetObjectCommand({
        Bucket: 'objects',
        Key: 'override',
        ResponseContentType: 'text/plain',
        ResponseContentDisposition: 'attachment; filename="x"',
      }),
    );
    await got.Body?.transformToByteArray();
    expect(got).toMatchObject({
      ContentType: 'text/plain',
      ContentDisposition: 'attachment; filename="x"',
    });
  });

  test('is copied, with its metadata or with other', async () => {
    await s3.send(
      new PutObjectCommand({ Bucket: 'objects', Key: 'source é', Body: 'copied', Metadata: { a: '1' } }),
    );
    const CopySource = `objects/${encodeURIComponent('source é')}`;
    const { CopyObjectResult } = await s3.send(
      new CopyObjectCommand({ Bucket: 'objects', Key: 'copy', CopySource }),
    );
    expect(CopyObjectResult?.ETag).toBe(`"${createHash('md5').update('copied').digest('hex')}"`);
    const head = () => s3.send(new HeadObjectCommand({ Bucket: 'objects', Key: 'copy' }));
    expect((await head()).Metadata).toEqual({ a: '1' });
    await s3.send(
      new CopyObjectCommand({
        Bucket: 'objects',
        Key: 'copy',
        CopySource: 'objects/copy',
        MetadataDirective: 'REPLACE',
        Metadata: { b: '2' },
      }),
    );
    expect((await head()).Metadata).toEqual({ b: '2' });
    await expect(
      s3.send(new CopyObjectCommand({ Bucket: 'objects', Key: 'copy', CopySource: 'objects/copy' })),
    ).rejects.toMatchObject({ name: 'InvalidRequest' });
    await s3.send(new DeleteObjectCommand({ Bucket: 'objects', Key: 'source é' }));
    expect(await text('copy')).toBe('copied');
  });

  test('is deleted, one or many at a time', async () => {
    for (const Key of ['d1', 'd2']) {
      await s3.send(new PutObjectCommand({ Bucket: 'objects', Key, Body: 'x' }));
    }
    const { Deleted, Errors } = await s3.send(
      new DeleteObjectsCommand({
        Bucket: 'objects',
        Delete: { Objects: [{ Key: 'd1' }, { Key: 'd2' }, { Key: 'never was' }] },
      }),
    );
    expect(Deleted?.map(({ Key }) => Key)).toEqual(['d1', 'd2', 'never was']);
    expect(Errors ?? []).toEqual([]);
    await expect(text('d1')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

test('a bucket with versioning keeps what was overwritten and deleted', async () => {
  await create('versioned');
  const bucket = { Bucket: 'versioned', Key: 'doc' };
  const get = async (VersionId?: string) =>
    (await s3.send(new GetObjectCommand({ ...bucket, VersionId }))).Body?.transformToString();
  await s3.send(new PutObjectCommand({ ...bucket, Body: 'zero' }));
  await s3.send(
    new PutBucketVersioningCommand({
      Bucket: 'versioned',
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
  const one = await s3.send(new PutObjectCommand({ ...bucket, Body: 'one' }));
  const two = await s3.send(new PutObjectCommand({ ...bucket, Body: 'two' }));
  expect(one.VersionId).not.toBe(two.VersionId);
  expect([await get(), await get(one.VersionId), await get('null')]).toEqual(['two', 'one', 'zero']);

  const marker = await s3.send(new DeleteObjectCommand(bucket));
  expect(marker.DeleteMarker).toBe(true);
  await expect(get()).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(get(marker.VersionId)).rejects.toMatchObject({ name: 'MethodNotAllowed' });

  const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: 'versioned' }));
  expect(listed.Versions?.map(({ VersionId }) => VersionId)).toEqual([two.VersionId, one.VersionId, 'null']);
  expect(listed.DeleteMarkers).toMatchObject([{ VersionId: marker.VersionId, IsLatest: true }]);
  const pages: (string | undefined)[] = [];
  let markers: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (let isTruncated = true; isTruncated; ) {
    const page = await s3.send(
      new ListObjectVersionsCommand({ Bucket: 'versioned', MaxKeys: 1, ...markers }),
    );
    pages.push(
      ...[...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ VersionId }) => VersionId),
    );
    markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    isTruncated = page.IsTruncated === true;
  }
  expect(pages).toEqual([marker.VersionId, two.VersionId, one.VersionId, 'null']);

  await s3.send(new DeleteObjectCommand({ ...bucket, VersionId: marker.VersionId }));
  expect(await get()).toBe('two');
  await s3.send(new DeleteObjectCommand({ ...bucket, VersionId: two.VersionId }));
  expect(await get()).toBe('one');

  await s3.send(
    new PutBucketVersioningCommand({
      Bucket: 'versioned',
      VersioningConfiguration: { Status: 'Suspended' },
    }),
  );
  await s3.send(new PutObjectCommand({ ...bucket, Body: 'null again' }));
  expect([await get(), await get('null'), await get(one.VersionId)]).toEqual([
    'null again',
    'null again',
    'one',
  ]);
  await expect(s3.send(new DeleteBucketCommand({ Bucket: 'versioned' }))).rejects.toMatchObject({
    name: 'BucketNotEmpty',
  });
});
