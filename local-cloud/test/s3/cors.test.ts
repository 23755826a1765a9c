import { Sha256 } from '@aws-crypto/sha256-js';
import {
  CreateBucketCommand,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { corsHeaders } from '../../src/services/s3/cors.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { roleSession } from '../support/role-session.js';

const PAGE = 'https://page.test';
const RULES = [
  {
    ID: 'page',
    AllowedOrigins: [PAGE],
    AllowedMethods: ['GET', 'PUT'],
    AllowedHeaders: ['x-amz-*', 'Content-Type'],
    ExposeHeaders: ['ETag'],
    MaxAgeSeconds: 60,
  },
  { AllowedOrigins: ['*'], AllowedMethods: ['HEAD'] },
];

let cloud: LocalCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  s3 = new S3Client({ ...clientConfig(cloud), maxAttempts: 1, forcePathStyle: true });
  for (const Bucket of ['shared', 'closed']) await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: 'a', Body: 'text' }));
});

function asked(path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${cloud.endpointUrl}${path}`, { method: 'OPTIONS', headers });
}

test('rules are kept, told and taken away, and refused when they are none', async () => {
  const missing = { name: 'NoSuchCORSConfiguration', $metadata: { httpStatusCode: 404 } };
  const rules = () => s3.send(new GetBucketCorsCommand({ Bucket: 'shared' }));
  await expect(rules()).rejects.toMatchObject(missing);
  const put = (CORSRules: object[]) =>
    s3.send(
      new PutBucketCorsCommand({ Bucket: 'shared', CORSConfiguration: { CORSRules: CORSRules as never } }),
    );
  await put(RULES);
  expect((await rules()).CORSRules).toEqual(RULES);
  for (const [wrong, name] of [
    [{ AllowedOrigins: ['*'], AllowedMethods: ['PATCH'] }, 'InvalidRequest'],
    [{ AllowedOrigins: ['https://*.*'], AllowedMethods: ['GET'] }, 'InvalidRequest'],
    [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'], ExposeHeaders: ['x-*'] }, 'InvalidRequest'],
    [{ AllowedOrigins: ['*'] }, 'MalformedXML'],
  ] as const) {
    await expect(put([wrong])).rejects.toMatchObject({ name });
  }
  await s3.send(new DeleteBucketCorsCommand({ Bucket: 'shared' }));
  await expect(rules()).rejects.toMatchObject(missing);
  await put(RULES);
});

test('a browser may ask, and is told only of what is allowed', async () => {
  const put = { origin: PAGE, 'access-control-request-method': 'PUT' };
  const allowed = await asked('/shared/a', {
    ...put,
    'access-control-request-headers': 'X-Amz-Date, content-type',
  });
  expect([allowed.status, await allowed.text()]).toEqual([200, '']);
  expect(Object.fromEntries(allowed.headers)).toMatchObject({
    'access-control-allow-origin': PAGE,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, PUT',
    'access-control-allow-headers': 'x-amz-date, content-type',
    'access-control-expose-headers': 'ETag',
    'access-control-max-age': '60',
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  });
  for (const [path, headers, status, code] of [
    ['/shared/a', { ...put, origin: 'https://other.test' }, 403, 'AccessForbidden'],
    ['/shared/a', { ...put, 'access-control-request-method': 'DELETE' }, 403, 'AccessForbidden'],
    ['/shared/a', { ...put, 'access-control-request-headers': 'authorization' }, 403, 'AccessForbidden'],
    ['/closed/a', put, 403, 'AccessForbidden'],
    ['/missing/a', put, 403, 'AccessForbidden'],
    ['/shared/a', {}, 400, 'BadRequest'],
    ['/shared/a', { origin: PAGE }, 400, 'BadRequest'],
  ] as const) {
    const refused = await asked(path, headers);
    expect([refused.status, await refused.text()]).toEqual([status, expect.stringContaining(code)]);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('pages of an allowed origin, and no others, may read answers and errors', async () => {
  const session = await roleSession(cloud, 'reader', [
    { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::shared/*' },
  ]);
  const { host, hostname, port } = new URL(cloud.endpointUrl);
  const signer = new SignatureV4({
    ...{ credentials: session.credentials, region: cloud.region, service: 's3' },
    ...{ sha256: Sha256, uriEscapePath: false },
  });
  const { query = {} } = await signer.presign({
    ...{ method: 'GET', protocol: 'http:', hostname, port: Number(port), path: '/shared/a' },
    headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  });
  const pairs = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]);
  const url = `${cloud.endpointUrl}/shared/a?${new URLSearchParams(pairs)}`;
  // The question has the signature of the request that it is asked for.
  const question = { origin: PAGE, 'access-control-request-method': 'GET' };
  expect((await fetch(url, { method: 'OPTIONS', headers: question })).status).toBe(200);
  const answer = await fetch(url, { headers: { origin: PAGE } });
  expect([answer.status, await answer.text()]).toEqual([200, 'text']);
  expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
  expect(answer.headers.get('access-control-expose-headers')).toBe('ETag');
  const other = await fetch(url, { headers: { origin: 'https://other.test' } });
  expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  expect(other.headers.get('vary')).toContain('Origin');
  const refused = await fetch(`${url}x`, { headers: { origin: PAGE } });
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, PAGE]);
  const unsigned = await fetch(`${cloud.endpointUrl}/shared/a`, {
    method: 'HEAD',
    headers: { origin: 'null' },
  });
  expect([unsigned.status, unsigned.headers.get('access-control-allow-origin')]).toEqual([403, '*']);
  expect(unsigned.headers.get('access-control-allow-credentials')).toBeNull();
});

test('AWS::S3::Bucket has rules too', async () => {
  const manage = resources(cloud);
  const CorsConfiguration = {
    CorsRules: [
      { Id: 'x', AllowedOrigins: [PAGE], AllowedMethods: ['GET'], ExposedHeaders: ['ETag'], MaxAge: 9 },
    ],
  };
  const name = await manage.create('AWS::S3::Bucket', { BucketName: 'managed', CorsConfiguration });
  expect(await manage.read('AWS::S3::Bucket', name)).toMatchObject({ CorsConfiguration });
  const question = { origin: PAGE, 'access-control-request-method': 'GET' };
  expect((await asked('/managed/a', question)).status).toBe(200);
  await manage.update('AWS::S3::Bucket', name, [{ op: 'remove', path: '/CorsConfiguration' }]);
  expect((await asked('/managed/a', question)).status).toBe(403);
});

test('headers are allowed by name, in any case, or by what a wildcard stands for', () => {
  const token = fc.stringMatching(/^[a-z][a-z-]{0,8}$/);
  const allows = (AllowedHeaders: string[], asked: string[]) =>
    corsHeaders(
      [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'], AllowedHeaders }],
      { method: 'GET', headers: { origin: PAGE } },
      asked,
    ) !== undefined;
  fc.assert(
    fc.property(fc.array(token), fc.array(token), (allowed, wanted) => {
      expect(
        allows(
          allowed.map((name) => name.toUpperCase()),
          wanted,
        ),
      ).toBe(wanted.every((name) => allowed.includes(name)));
      expect(allows(['*'], wanted)).toBe(true);
    }),
  );
  expect(allows(['x-*-a'], ['x--a'])).toBe(true);
  expect(allows(['x-*-a'], ['x-a'])).toBe(false);
});
