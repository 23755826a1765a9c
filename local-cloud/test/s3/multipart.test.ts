import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';

const MB = 1024 * 1024;
const Bucket = 'parts';
let s3: S3Client;

beforeAll(async () => {
  s3 = new S3Client({ ...clientConfig(await startCloud()), maxAttempts: 1 });
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
});

async function begin(Key: string, extra: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...extra }));
  return { Bucket, Key, UploadId };
}

async function upload(
  Key: string,
  bodies: Uint8Array[],
  extra: Partial<CreateMultipartUploadCommandInput> = {},
) {
  const target = await begin(Key, extra);
  const Parts = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const { $metadata: _, ...sums } = await s3.send(
      new UploadPartCommand({ ...target, PartNumber, Body, ChecksumAlgorithm: extra.ChecksumAlgorithm }),
    );
    Parts.push({ ...sums, PartNumber });
  }
  return s3.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }));
}

async function bytes(Key: string, extra: object = {}): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...extra }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

test('parts become one object, with the entity tag of an upload in parts', async () => {
  const bodies = [randomBytes(5 * MB), randomBytes(5 * MB + 17), randomBytes(1000)];
  const completed = await upload('whole', bodies, { ContentType: 'x/y', Metadata: { a: 'b' } });
  const md5 = createHash('md5');
  for (const body of bodies) md5.update(createHash('md5').update(body).digest());
  expect(completed.ETag).toBe(`"${md5.digest('hex')}-3"`);
  const whole = Buffer.concat(bodies);
  expect((await bytes('whole')).equals(whole)).toBe(true);
  expect(
    (await bytes('whole', { Range: `bytes=${5 * MB - 3}-${5 * MB + 2}` })).equals(
      whole.subarray(5 * MB - 3, 5 * MB + 3),
    ),
  ).toBe(true);
  expect((await bytes('whole', { PartNumber: 3 })).equals(bodies[2] ?? Buffer.alloc(0))).toBe(true);
  await expect(
    s3.send(new HeadObjectCommand({ Bucket, Key: 'whole', PartNumber: 2 })),
  ).resolves.toMatchObject({
    PartsCount: 3,
    ContentType: 'x/y',
    Metadata: { a: 'b' },
    ContentLength: 5 * MB + 17,
  });
  const copy = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/whole` }));
  expect(copy.CopyObjectResult?.ETag).toBe(`"${createHash('md5').update(whole).digest('hex')}"`);
});

test('checksums of the parts make that of the object: of the parts’ sums, or of the whole', async () => {
  const bodies = [randomBytes(5 * MB), randomBytes(321)];
  const composite = await upload('composite', bodies, { ChecksumAlgorithm: 'SHA256' });
  expect(composite).toMatchObject({
    ChecksumType: 'COMPOSITE',
    ChecksumSHA256: expect.stringMatching(/-2$/),
  });
  const full = await upload('full', bodies, { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(Buffer.concat(bodies)));
  expect(full).toMatchObject({ ChecksumType: 'FULL_OBJECT', ChecksumCRC32: value.toString('base64') });
  const nvme = await upload('nvme', bodies, { ChecksumAlgorithm: 'CRC64NVME' });
  const single = await s3.send(
    new PutObjectCommand({
      Bucket,
      Key: 'single',
      Body: Buffer.concat(bodies),
      ChecksumAlgorithm: 'CRC64NVME',
    }),
  );
  expect(nvme.ChecksumCRC64NVME).toBe(single.ChecksumCRC64NVME);
  await expect(
    s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: 'composite',
        ObjectAttributes: ['ObjectParts', 'ObjectSize', 'Checksum'],
      }),
    ),
  ).resolves.toMatchObject({ ObjectSize: 5 * MB + 321, ObjectParts: { TotalPartsCount: 2 } });
});

test('parts are listed, replaced, copied from other objects, and go when the upload is aborted', async () => {
  const target = await begin('aborted');
  await s3.send(new UploadPartCommand({ ...target, PartNumber: 2, Body: 'old' }));
  await s3.send(new UploadPartCommand({ ...target, PartNumber: 2, Body: 'newer' }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'from', Body: '0123456789' }));
  const copied = await s3.send(
    new UploadPartCopyCommand({
      ...target,
      PartNumber: 7,
      CopySource: `${Bucket}/from`,
      CopySourceRange: 'bytes=2-4',
    }),
  );
  expect(copied.CopyPartResult?.ETag).toBe(`"${createHash('md5').update('234').digest('hex')}"`);
  const { Parts } = await s3.send(new ListPartsCommand(target));
  expect(Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
    [2, 5],
    [7, 3],
  ]);
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  expect(Uploads?.map(({ UploadId }) => UploadId)).toContain(target.UploadId);
  await s3.send(new AbortMultipartUploadCommand(target));
  await expect(s3.send(new ListPartsCommand(target))).rejects.toMatchObject({ name: 'NoSuchUpload' });
});

test('parts with another checksum than the upload was begun with are refused', async () => {
  const target = await begin('mixed', { ChecksumAlgorithm: 'SHA256' });
  await expect(
    s3.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' })),
  ).rejects.toMatchObject({ name: 'InvalidRequest' });
});

test('an upload is completed with just the parts that there are, in order and large enough', async () => {
  const target = await begin('strict');
  const one = await s3.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: 'small' }));
  const two = await s3.send(new UploadPartCommand({ ...target, PartNumber: 2, Body: 'last' }));
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    s3.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }));
  const [first, second] = [
    { PartNumber: 1, ETag: one.ETag },
    { PartNumber: 2, ETag: two.ETag },
  ];
  await expect(complete([second, first])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
  await expect(complete([{ ...first, ETag: two.ETag }])).rejects.toMatchObject({ name: 'InvalidPart' });
  await expect(complete([{ ...first, PartNumber: 9 }])).rejects.toMatchObject({ name: 'InvalidPart' });
  await expect(complete([first, second])).rejects.toMatchObject({ name: 'EntityTooSmall' });
  await complete([second]);
  expect((await bytes('strict')).toString()).toBe('last');
});
