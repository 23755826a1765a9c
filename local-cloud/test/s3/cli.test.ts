import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { startCloud } from '../support/cloud.js';

describe.runIf(hasAwsCli)('the AWS CLI', () => {
  const folder = mkdtempSync(join(tmpdir(), 's3-cli-'));
  let cloud: LocalCloud;
  let aws: ReturnType<typeof awsCli>;

  beforeAll(async () => {
    cloud = await startCloud();
    aws = awsCli(cloud);
    await aws('s3', 'mb', 's3://cli-bucket');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('must name the region of a new bucket', async () => {
    await expect(aws('s3api', 'create-bucket', '--bucket', 'nowhere')).rejects.toMatchObject({
      stderr: expect.stringContaining('IllegalLocationConstraintException'),
    });
  });

  test('copies a large file up in parts and down again', async () => {
    const [up, down] = [join(folder, 'up.bin'), join(folder, 'down.bin')];
    const data = randomBytes(20 * 1024 * 1024);
    writeFileSync(up, data);
    await aws('s3', 'cp', up, 's3://cli-bucket/big/file.bin', '--no-progress');
    await aws('s3', 'cp', 's3://cli-bucket/big/file.bin', down, '--no-progress');
    expect(readFileSync(down).equals(data)).toBe(true);
    const head = JSON.parse(
      await aws('s3api', 'head-object', '--bucket', 'cli-bucket', '--key', 'big/file.bin'),
    );
    expect(head).toMatchObject({ ContentLength: data.length, ETag: expect.stringMatching(/-3"$/) });
  });

  test('synchronises a folder, lists it and removes it', async () => {
    const source = join(folder, 'tree');
    mkdirSync(join(source, 'sub dir'), { recursive: true });
    writeFileSync(join(source, 'a.txt'), 'a');
    writeFileSync(join(source, 'sub dir', 'ü&+.txt'), 'b');
    await aws('s3', 'sync', source, 's3://cli-bucket/tree', '--no-progress');
    const again = await aws('s3', 'sync', source, 's3://cli-bucket/tree', '--no-progress');
    expect(again).toBe('');
    const listed = await aws('s3', 'ls', 's3://cli-bucket/tree/', '--recursive');
    expect(listed).toMatch(/tree\/a\.txt[\s\S]*tree\/sub dir\/ü&\+\.txt/);
    await aws('s3', 'rm', 's3://cli-bucket/tree', '--recursive');
    const rest = JSON.parse(
      (await aws('s3api', 'list-objects-v2', '--bucket', 'cli-bucket', '--prefix', 'tree')) || '{}',
    );
    expect(rest.Contents).toBeUndefined();
  });

  test('presigns a URL that anybody can read with until it expires', async () => {
    const file = join(folder, 'shared.txt');
    writeFileSync(file, 'shared');
    await aws('s3', 'cp', file, 's3://cli-bucket/shared file.txt', '--no-progress');
    const url = (await aws('s3', 'presign', 's3://cli-bucket/shared file.txt')).trim();
    const got = await fetch(url);
    expect([got.status, await got.text()]).toEqual([200, 'shared']);
    const expired = url.replace(/X-Amz-Date=\d{8}T\d{6}Z/, 'X-Amz-Date=20200101T000000Z');
    expect((await fetch(expired)).status).toBe(403);
  });
});
