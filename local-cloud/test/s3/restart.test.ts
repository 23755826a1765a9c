import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, expect, test } from 'vitest';
import { startLocalCloud } from '../../src/local-cloud.js';
import { clientConfig } from '../support/cloud.js';

const stateDirectory = mkdtempSync(join(tmpdir(), 's3-restart-'));
afterAll(() => rmSync(stateDirectory, { recursive: true, force: true }));

async function run<T>(work: (s3: S3Client) => Promise<T>): Promise<T> {
  const cloud = await startLocalCloud({ stateDirectory, ports: { http: 0, mqtt: 0, https: 0 } });
  const s3 = new S3Client({ ...clientConfig(cloud), maxAttempts: 1 });
  try {
    return await work(s3);
  } finally {
    s3.destroy();
    await cloud.close();
  }
}

function files(): string[] {
  const entries = readdirSync(join(stateDirectory, 's3'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('a restart keeps objects and uploads, and removes files that nothing refers to', async () => {
  const Bucket = 'kept';
  const upload = await run(async (s3) => {
    await s3.send(
      new CreateBucketCommand({
        Bucket,
        CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
      }),
    );
    await s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'data', Metadata: { a: 'b' } }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'newer' }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
    await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'part' }));
    return { Bucket, Key: 'parts', UploadId };
  });
  expect(files()).toHaveLength(2);
  const [known = ''] = files();
  // What a process leaves that was killed between its data and their place in the bucket.
  writeFileSync(join(known, '..', 'ff'.repeat(16)), 'orphan');
  writeFileSync(join(stateDirectory, 's3', 'incoming', 'half'), 'half of an upload');
  await run(async (s3) => {
    expect(files()).toHaveLength(2);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'object' }));
    expect(await Body?.transformToString()).toBe('newer');
    const { Parts } = await s3.send(new ListPartsCommand(upload));
    expect(Parts).toMatchObject([{ PartNumber: 1, Size: 4 }]);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'object' }));
  });
  expect(files()).toHaveLength(1);
});
