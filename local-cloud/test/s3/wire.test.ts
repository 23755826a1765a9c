import { createHash } from 'node:crypto';
import { request } from 'node:http';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';

/** What the SDK cannot be made to send: hosts, broken bodies, encodings of other clients. */
let cloud: LocalCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  s3 = new S3Client({ ...clientConfig(cloud), maxAttempts: 1 });
  await s3.send(
    new CreateBucketCommand({
      Bucket: 'wire',
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
});

const SIGNED = {
  authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  'x-amz-date': '20260101T000000Z',
};

function send(
  method: string,
  path: string,
  headers: Record<string, string | number> = {},
  body?: string | Buffer,
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${cloud.endpointUrl}${path}`,
      { method, headers: { ...SIGNED, ...headers } },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function text(Key: string): Promise<string | undefined> {
  return (await s3.send(new GetObjectCommand({ Bucket: 'wire', Key }))).Body?.transformToString();
}

test('a body in signed chunks with a signed trailer is decoded and checked', async () => {
  const chunk = (data: string) =>
    `${data.length.toString(16)};chunk-signature=${'a'.repeat(64)}\r\n${data}\r\n`;
  const put = (key: string, checksum: string) => {
    const body = `${chunk('hello ')}${chunk('world')}0;chunk-signature=${'b'.repeat(64)}\r\nx-amz-checksum-sha256:${checksum}\r\nx-amz-trailer-signature:${'c'.repeat(64)}\r\n\r\n`;
    return send(
      'PUT',
      `/wire/${key}`,
      {
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': 11,
        'x-amz-trailer': 'x-amz-checksum-sha256',
        'content-encoding': 'aws-chunked,gzip',
        'content-length': body.length,
      },
      body,
    );
  };
  const right = createHash('sha256').update('hello world').digest('base64');
  expect((await put('chunked', right)).status).toBe(200);
  expect(await text('chunked')).toBe('hello world');
  const head = await s3.send(new HeadObjectCommand({ Bucket: 'wire', Key: 'chunked' }));
  expect(head.ContentEncoding).toBe('gzip');
  const wrong = await put('wrong', createHash('sha256').update('other').digest('base64'));
  expect([wrong.status, wrong.body]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')]);
});

test('a body that is not what its declared hash or length says is refused', async () => {
  const other = createHash('sha256').update('other').digest('hex');
  const hash = await send('PUT', '/wire/hash', { 'x-amz-content-sha256': other }, 'body');
  expect(hash.body).toContain('<Code>XAmzContentSHA256Mismatch</Code>');
  const length = await send(
    'PUT',
    '/wire/length',
    { 'transfer-encoding': 'chunked', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    'body',
  );
  expect([length.status, length.body]).toEqual([
    411,
    expect.stringContaining('<Code>MissingContentLength</Code>'),
  ]);
  const short = await send(
    'PUT',
    '/wire/short',
    { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'x-amz-decoded-content-length': 5 },
    '3\r\nabc\r\n0\r\n\r\n',
  );
  expect(short.body).toContain('<Code>IncompleteBody</Code>');
  await expect(text('hash')).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('an upload that breaks off leaves nothing behind', async () => {
  await s3.send(new PutObjectCommand({ Bucket: 'wire', Key: 'broken', Body: 'before' }));
  await new Promise<void>((resolve) => {
    const outgoing = request(`${cloud.endpointUrl}/wire/broken`, {
      method: 'PUT',
      headers: { ...SIGNED, 'content-length': 5_000_000, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    });
    outgoing.on('error', () => resolve());
    outgoing.on('close', () => resolve());
    outgoing.write(Buffer.alloc(2_000_000), () => outgoing.destroy());
  });
  expect(await text('broken')).toBe('before');
});

test('the bucket may be in the host', async () => {
  const put = await send('PUT', '/in/host', { host: 'wire.s3.eu-central-1.amazonaws.com' }, 'x');
  expect(put.status).toBe(200);
  const got = await send('GET', '/in/host', { host: `wire.localhost:${cloud.ports.http}` });
  expect([got.status, got.body]).toEqual([200, 'x']);
  expect(await text('in/host')).toBe('x');
});

test('a presigned URL may carry headers in its query', async () => {
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `test/20260101/eu-central-1/s3/aws4_request`,
    'X-Amz-Date': `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`,
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': '0'.repeat(64),
    'x-amz-meta-origin': 'presigned',
    'x-amz-checksum-crc32': 'AAAAAA==',
  });
  const put = await fetch(`${cloud.endpointUrl}/wire/presigned?${query}`, { method: 'PUT', body: 'x' });
  expect(put.status).toBe(200);
  const head = await s3.send(new HeadObjectCommand({ Bucket: 'wire', Key: 'presigned' }));
  expect(head.Metadata).toEqual({ origin: 'presigned' });
});

test('keys that are not known or not well-formed are refused in the words of S3', async () => {
  const scope = '20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0';
  const unknown = await send('GET', '/wire', {
    authorization: `AWS4-HMAC-SHA256 Credential=ASIAUNKNOWN/${scope}`,
  });
  expect([unknown.status, unknown.body]).toEqual([
    403,
    expect.stringContaining('<Code>InvalidAccessKeyId</Code>'),
  ]);
  const malformed = await send('GET', '/wire', { authorization: 'AWS4-HMAC-SHA256 Credential=x' });
  // Without a scope it is not known whose the request is, so it is taken for S3's.
  expect([malformed.status, malformed.body]).toEqual([
    400,
    expect.stringContaining('<Code>AuthorizationHeaderMalformed</Code>'),
  ]);
});

test('a presigned URL is valid for a week at most', async () => {
  const query = (expires: string) =>
    new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'test/20260101/eu-central-1/s3/aws4_request',
      'X-Amz-Date': `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`,
      'X-Amz-Expires': expires,
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': '0',
    });
  const week = await fetch(`${cloud.endpointUrl}/wire?${query('604800')}`);
  expect(week.status).toBe(200);
  for (const expires of ['604801', '-1']) {
    const longer = await fetch(`${cloud.endpointUrl}/wire?${query(expires)}`);
    expect([longer.status, await longer.text()]).toEqual([
      400,
      expect.stringContaining('<Code>AuthorizationQueryParametersError</Code>'),
    ]);
  }
});

test('errors name the operation that is not built, and a HEAD that fails has no body', async () => {
  const website = await send('GET', '/wire?website');
  expect(website.status).toBe(501);
  expect(website.body).toContain('GetBucketWebsite');
  const head = await send('HEAD', '/wire/missing');
  expect([head.status, head.body]).toEqual([404, '']);
  const malformed = await send('POST', '/wire?delete', {}, '<Delete><Object></Delete>');
  expect([malformed.status, malformed.body]).toEqual([
    400,
    expect.stringContaining('<Code>MalformedXML</Code>'),
  ]);
});
