import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as sdk from '@aws-sdk/client-cloudfront';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { ROLE, TRUST, zip } from '../lambda/support.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { roleSession } from '../support/role-session.js';

const OPTIMIZED = '658327ea-f89d-4fab-a63d-7e88639e58f6';
const DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';
const SECURITY = '67f7725c-6f97-4210-82d7-5512b31e9d03';
const LONG = 'long text '.repeat(500);

let cloud: LocalCloud;
let client: sdk.CloudFrontClient;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  client = new sdk.CloudFrontClient({ ...config, region: 'us-east-1' });
  s3 = new S3Client({ ...config, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'pages' }));
  for (const [Key, Body, ContentType] of [
    ['site/index.html', '<h1>here</h1>', 'text/html'],
    ['site/404.html', '<h1>not here</h1>', 'text/html'],
    ['site/assets/app.js', LONG, 'text/javascript'],
    ['site/with space/ü.txt', 'odd', 'text/plain'],
  ] as const) {
    await s3.send(
      new PutObjectCommand({ Bucket: 'pages', Key, Body, ContentType, CacheControl: 'max-age=60' }),
    );
  }
});

let names = 0;
const unique = (what: string) => {
  names += 1;
  return `${what}-${names}`;
};

async function accessControl(): Promise<string> {
  const { OriginAccessControl: made } = await client.send(
    new sdk.CreateOriginAccessControlCommand({
      OriginAccessControlConfig: {
        Name: unique('control'),
        SigningBehavior: 'always',
        SigningProtocol: 'sigv4',
        OriginAccessControlOriginType: 's3',
      },
    }),
  );
  return made?.Id ?? '';
}

function configWith(more: Partial<sdk.DistributionConfig> = {}, control = ''): sdk.DistributionConfig {
  return {
    CallerReference: unique('reference'),
    Comment: 'pages',
    Enabled: true,
    DefaultRootObject: 'index.html',
    Origins: {
      Quantity: 1,
      Items: [
        {
          Id: 'pages',
          DomainName: 'pages.s3.eu-central-1.amazonaws.com',
          OriginPath: '/site',
          OriginAccessControlId: control,
          S3OriginConfig: { OriginAccessIdentity: '' },
        },
      ],
    },
    DefaultCacheBehavior: {
      TargetOriginId: 'pages',
      ViewerProtocolPolicy: 'redirect-to-https',
      CachePolicyId: OPTIMIZED,
      Compress: true,
    },
    ...more,
  };
}

async function distribution(more: Partial<sdk.DistributionConfig> = {}, control = '') {
  const made = await client.send(
    new sdk.CreateDistributionCommand({ DistributionConfig: configWith(more, control) }),
  );
  const id = made.Distribution?.Id ?? '';
  return { id, etag: made.ETag ?? '', url: `${cloud.endpointUrl}/_cloudfront/${id}`, made };
}

/** Lets a distribution, and nobody else, read the bucket. */
async function open(id: string, actions: readonly string[] = ['s3:GetObject']) {
  const Statement = actions.map((Action) => ({
    Effect: 'Allow',
    Principal: { Service: 'cloudfront.amazonaws.com' },
    Action,
    Resource: Action === 's3:ListBucket' ? 'arn:aws:s3:::pages' : 'arn:aws:s3:::pages/*',
    Condition: { StringEquals: { 'AWS:SourceArn': `arn:aws:cloudfront::000000000000:distribution/${id}` } },
  }));
  await s3.send(
    new PutBucketPolicyCommand({
      Bucket: 'pages',
      Policy: JSON.stringify({ Version: '2012-10-17', Statement }),
    }),
  );
}

describe('distributions', () => {
  test('are made, told, changed by version, and deleted once they are disabled', async () => {
    const { id, etag, made } = await distribution();
    expect(made).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      Location: `https://cloudfront.amazonaws.com/2020-05-31/distribution/${id}`,
      Distribution: {
        ARN: `arn:aws:cloudfront::000000000000:distribution/${id}`,
        Status: 'Deployed',
        DomainName: `${id.toLowerCase()}.cloudfront.localhost:${cloud.ports.http}`,
      },
    });
    expect(id).toMatch(/^E[A-Z0-9]{13}$/);
    const { DistributionConfig, ETag } = await client.send(new sdk.GetDistributionConfigCommand({ Id: id }));
    expect(ETag).toBe(etag);
    expect(DistributionConfig).toMatchObject({
      CacheBehaviors: { Quantity: 0 },
      DefaultCacheBehavior: { AllowedMethods: { Quantity: 2, Items: ['HEAD', 'GET'] } },
    });
    const remove = (IfMatch?: string) => client.send(new sdk.DeleteDistributionCommand({ Id: id, IfMatch }));
    const update = (config: object, IfMatch?: string) =>
      client.send(
        new sdk.UpdateDistributionCommand({
          Id: id,
          IfMatch,
          DistributionConfig: { ...DistributionConfig, ...config } as sdk.DistributionConfig,
        }),
      );
    await expect(remove(etag)).rejects.toMatchObject({ name: 'DistributionNotDisabled' });
    await expect(update({ Enabled: false })).rejects.toMatchObject({
      name: 'InvalidIfMatchVersion',
      $metadata: { httpStatusCode: 400 },
    });
    await expect(update({ Enabled: false }, 'E0000000000000')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    await expect(update({ CallerReference: 'other' }, etag)).rejects.toMatchObject({ name: 'IllegalUpdate' });
    const updated = await update({ Enabled: false }, etag);
    expect(updated.ETag).not.toBe(etag);
    const { DistributionList } = await client.send(new sdk.ListDistributionsCommand({}));
    expect(DistributionList?.Items?.find(({ Id }) => Id === id)).toMatchObject({
      Enabled: false,
      Origins: { Quantity: 1, Items: [{ Id: 'pages' }] },
    });
    expect((await fetch(`${cloud.endpointUrl}/_cloudfront/${id}/`)).status).toBe(403);
    await remove(updated.ETag);
    await expect(remove(updated.ETag)).rejects.toMatchObject({
      name: 'NoSuchDistribution',
      $metadata: { httpStatusCode: 404 },
    });
  });

  test('have pages, tags and invalidations, which are complete at once', async () => {
    const DistributionConfig = configWith();
    const { Distribution: made } = await client.send(
      new sdk.CreateDistributionWithTagsCommand({
        DistributionConfigWithTags: { DistributionConfig, Tags: { Items: [{ Key: 'a', Value: '1' }] } },
      }),
    );
    const { Id = '', ARN: Resource } = made ?? {};
    await client.send(new sdk.TagResourceCommand({ Resource, Tags: { Items: [{ Key: 'b', Value: '2' }] } }));
    await client.send(new sdk.UntagResourceCommand({ Resource, TagKeys: { Items: ['a'] } }));
    const { Tags } = await client.send(new sdk.ListTagsForResourceCommand({ Resource }));
    expect(Tags?.Items).toEqual([{ Key: 'b', Value: '2' }]);
    await expect(
      client.send(new sdk.CreateDistributionCommand({ DistributionConfig })),
    ).rejects.toMatchObject({ name: 'DistributionAlreadyExists' });
    const batch = { CallerReference: 'one', Paths: { Quantity: 1, Items: ['/*'] } };
    const { Invalidation } = await client.send(
      new sdk.CreateInvalidationCommand({ DistributionId: Id, InvalidationBatch: batch }),
    );
    expect(Invalidation).toMatchObject({ Status: 'Completed', InvalidationBatch: batch });
    const again = await client.send(
      new sdk.GetInvalidationCommand({ DistributionId: Id, Id: Invalidation?.Id }),
    );
    expect(again.Invalidation).toEqual(Invalidation);
    const { InvalidationList } = await client.send(new sdk.ListInvalidationsCommand({ DistributionId: Id }));
    expect(InvalidationList?.Items).toMatchObject([{ Id: Invalidation?.Id, Status: 'Completed' }]);
    await distribution();
    const first = await client.send(new sdk.ListDistributionsCommand({ MaxItems: 1 }));
    const { NextMarker, IsTruncated } = first.DistributionList ?? {};
    expect(IsTruncated).toBe(true);
    const next = await client.send(new sdk.ListDistributionsCommand({ Marker: NextMarker, MaxItems: 1 }));
    expect(next.DistributionList?.Items?.[0]?.Id).not.toBe(first.DistributionList?.Items?.[0]?.Id);
  });

  test('that name what is not there, or not built, are refused', async () => {
    const behavior = configWith().DefaultCacheBehavior;
    const with_ = (more: object) => ({ DefaultCacheBehavior: { ...behavior, ...more } as typeof behavior });
    const refused: readonly [Partial<sdk.DistributionConfig>, string, string][] = [
      [with_({ TargetOriginId: 'other' }), 'NoSuchOrigin', ''],
      [with_({ CachePolicyId: 'other' }), 'NoSuchCachePolicy', ''],
      [with_({ ResponseHeadersPolicyId: 'other' }), 'NoSuchResponseHeadersPolicy', ''],
      [{ DefaultRootObject: '/index.html' }, 'InvalidDefaultRootObject', ''],
      [{ CustomErrorResponses: { Quantity: 2, Items: [{ ErrorCode: 404 }] } }, 'InconsistentQuantities', ''],
      [{ CustomErrorResponses: { Quantity: 1, Items: [{ ErrorCode: 418 }] } }, 'InvalidErrorCode', ''],
      [{ Aliases: { Quantity: 1, Items: ['a.test'] } }, 'InvalidArgument', 'Aliases'],
      [
        with_({
          FunctionAssociations: {
            Quantity: 1,
            Items: [{ EventType: 'viewer-request', FunctionARN: 'arn:aws:cloudfront::0:function/x' }],
          },
        }),
        'InvalidArgument',
        'FunctionAssociations',
      ],
    ];
    for (const [more, name, words] of refused) {
      const made = client.send(new sdk.CreateDistributionCommand({ DistributionConfig: configWith(more) }));
      await expect(made).rejects.toMatchObject({ name, message: expect.stringContaining(words) });
    }
    await expect(
      client.send(
        new sdk.CreateFunctionCommand({
          Name: 'x',
          FunctionConfig: { Comment: '', Runtime: 'cloudfront-js-2.0' },
          FunctionCode: Buffer.from('x'),
        }),
      ),
    ).rejects.toMatchObject({
      name: 'NotImplementedException',
      message: expect.stringContaining('CreateFunction'),
    });
  });

  test('are for roles that may', async () => {
    const { id } = await distribution();
    const config = await roleSession(cloud, 'invalidator', [
      {
        Effect: 'Allow',
        Action: 'cloudfront:CreateInvalidation',
        Resource: `arn:aws:cloudfront::000000000000:distribution/${id}`,
      },
    ]);
    const role = new sdk.CloudFrontClient(config);
    const batch = { CallerReference: 'role', Paths: { Quantity: 1, Items: ['/a'] } };
    await role.send(new sdk.CreateInvalidationCommand({ DistributionId: id, InvalidationBatch: batch }));
    await expect(role.send(new sdk.GetDistributionCommand({ Id: id }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });
});

describe('policies', () => {
  test('of access and of headers are changed by version, and not deleted while they are used', async () => {
    const Id = await accessControl();
    const { OriginAccessControlConfig, ETag } = await client.send(
      new sdk.GetOriginAccessControlConfigCommand({ Id }),
    );
    const changed = await client.send(
      new sdk.UpdateOriginAccessControlCommand({
        ...{ Id, IfMatch: ETag },
        OriginAccessControlConfig: { ...OriginAccessControlConfig, Description: 'changed' } as never,
      }),
    );
    const { OriginAccessControlList } = await client.send(new sdk.ListOriginAccessControlsCommand({}));
    expect(OriginAccessControlList?.Items).toContainEqual(
      expect.objectContaining({ Id, Description: 'changed', SigningBehavior: 'always' }),
    );
    const { ResponseHeadersPolicy, ETag: version } = await client.send(
      new sdk.CreateResponseHeadersPolicyCommand({
        ResponseHeadersPolicyConfig: {
          Name: unique('headers'),
          CustomHeadersConfig: {
            Quantity: 1,
            Items: [{ Header: 'X-Own', Value: 'yes', Override: true }],
          },
        },
      }),
    );
    const policyId = ResponseHeadersPolicy?.Id ?? '';
    const { id, etag } = await distribution(
      {
        Enabled: false,
        DefaultCacheBehavior: {
          ...{ TargetOriginId: 'pages', ViewerProtocolPolicy: 'allow-all', CachePolicyId: DISABLED },
          ResponseHeadersPolicyId: policyId,
        },
      },
      Id,
    );
    const removeAll = async () => {
      await client.send(new sdk.DeleteOriginAccessControlCommand({ Id, IfMatch: changed.ETag }));
      await client.send(new sdk.DeleteResponseHeadersPolicyCommand({ Id: policyId, IfMatch: version }));
    };
    await expect(removeAll()).rejects.toMatchObject({ name: 'OriginAccessControlInUse' });
    await expect(
      client.send(new sdk.DeleteResponseHeadersPolicyCommand({ Id: policyId, IfMatch: version })),
    ).rejects.toMatchObject({ name: 'ResponseHeadersPolicyInUse' });
    await client.send(new sdk.DeleteDistributionCommand({ Id: id, IfMatch: etag }));
    await removeAll();
    await expect(client.send(new sdk.GetOriginAccessControlCommand({ Id }))).rejects.toMatchObject({
      name: 'NoSuchOriginAccessControl',
    });
  });

  test('that AWS manages can be read', async () => {
    const { CachePolicy } = await client.send(new sdk.GetCachePolicyCommand({ Id: OPTIMIZED }));
    expect(CachePolicy?.CachePolicyConfig).toMatchObject({ Name: 'Managed-CachingOptimized', MinTTL: 1 });
    const { CachePolicyList } = await client.send(new sdk.ListCachePoliciesCommand({ Type: 'managed' }));
    expect(CachePolicyList?.Items?.map((item) => item.CachePolicy?.Id)).toContain(DISABLED);
    const { ResponseHeadersPolicyList } = await client.send(
      new sdk.ListResponseHeadersPoliciesCommand({ Type: 'managed' }),
    );
    expect(ResponseHeadersPolicyList?.Items?.map((item) => item.ResponseHeadersPolicy?.Id)).toContain(
      SECURITY,
    );
  });

  test('that would let every page use the reader’s cookies are refused', async () => {
    const star = { Quantity: 1, Items: ['*'] };
    const cors = {
      AccessControlAllowOrigins: star,
      AccessControlAllowHeaders: star,
      AccessControlAllowMethods: { Quantity: 1, Items: ['GET' as const] },
      AccessControlAllowCredentials: true,
      OriginOverride: true,
    };
    await expect(
      client.send(
        new sdk.CreateResponseHeadersPolicyCommand({
          ResponseHeadersPolicyConfig: { Name: 'all', CorsConfig: cors },
        }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidArgument' });
  });
});

describe('viewers', () => {
  test('get what the bucket lets the distribution read, and nobody else does', async () => {
    const control = await accessControl();
    const { id, url } = await distribution({}, control);
    const other = await distribution({}, control);
    const unsigned = await distribution();
    expect((await fetch(`${url}/`)).status).toBe(403);
    await open(id);
    const answer = await fetch(`${url}/`);
    expect([answer.status, await answer.text()]).toEqual([200, '<h1>here</h1>']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html',
      'cache-control': 'max-age=60',
      'x-cache': 'Miss from cloudfront',
    });
    expect(answer.headers.get('content-encoding')).toBeNull();
    expect((await fetch(`${other.url}/`)).status).toBe(403);
    expect((await fetch(`${unsigned.url}/`)).status).toBe(403);
    expect(await (await fetch(`${url}/with%20space/%C3%BC.txt`)).text()).toBe('odd');
    // What is not there is told only where the bucket may be listed.
    const missing = await fetch(`${url}/missing`);
    expect([missing.status, await missing.text()]).toEqual([403, expect.stringContaining('AccessDenied')]);
    await open(id, ['s3:GetObject', 's3:ListBucket']);
    expect((await fetch(`${url}/missing`)).status).toBe(404);
    expect((await fetch(`${url}/%zz`)).status).toBe(400);
    expect((await fetch(`${url}/`, { method: 'POST' })).status).toBe(403);
    const head = await fetch(`${url}/index.html`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '13', '']);
    const bare = await fetch(`${url}?a=1`, { redirect: 'manual' });
    expect([bare.status, bare.headers.get('location')]).toEqual([308, `/_cloudfront/${id}/?a=1`]);
    expect((await fetch(`${cloud.endpointUrl}/_cloudfront/E00000000000000/`)).status).toBe(404);
    const byHost = await new Promise<string>((resolve, reject) => {
      const host = `${id.toLowerCase()}.cloudfront.localhost:${cloud.ports.http}`;
      get({ host: '127.0.0.1', port: cloud.ports.http, path: '/index.html', headers: { host } }, (response) =>
        text(response).then(resolve, reject),
      ).on('error', reject);
    });
    expect(byHost).toBe('<h1>here</h1>');
  });

  test('get parts, and nothing of what they have already', async () => {
    const control = await accessControl();
    const { id, url } = await distribution({}, control);
    await open(id);
    const whole = await fetch(`${url}/index.html`);
    const etag = whole.headers.get('etag') ?? '';
    const asked = (headers: Record<string, string>) => fetch(`${url}/index.html`, { headers });
    const part = await asked({ range: 'bytes=1-2' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 1-2/13',
      'h1',
    ]);
    expect((await asked({ range: 'bytes=99-' })).status).toBe(416);
    expect((await asked({ range: 'bytes=1-2', 'if-range': '"other"' })).status).toBe(200);
    const known = await asked({ 'if-none-match': `"x", W/${etag}` });
    expect([known.status, known.headers.get('etag')]).toEqual([304, etag]);
    const modified = whole.headers.get('last-modified') ?? '';
    expect((await asked({ 'if-modified-since': modified })).status).toBe(304);
    expect((await asked({ 'if-none-match': '"other"', 'if-modified-since': modified })).status).toBe(200);
  });

  test('get compressed what can be, if they take it and the cache policy lets it', async () => {
    const control = await accessControl();
    const behavior = { TargetOriginId: 'pages', ViewerProtocolPolicy: 'allow-all' as const, Compress: true };
    const { id, url } = await distribution(
      {
        CacheBehaviors: {
          Quantity: 1,
          Items: [{ ...behavior, CachePolicyId: DISABLED, PathPattern: 'ASSETS/*' }],
        },
      },
      control,
    );
    await open(id);
    const asked = (path: string, encodings: string) =>
      new Promise<{ headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
        get(`${url}${path}`, { headers: { 'accept-encoding': encodings } }, async (response) => {
          const pieces: Buffer[] = [];
          for await (const piece of response) pieces.push(piece);
          resolve({ headers: response.headers, body: Buffer.concat(pieces) });
        }).on('error', reject);
      });
    const brotli = await asked('/assets/app.js', 'gzip, deflate, br');
    expect(brotli.headers).toMatchObject({
      'content-encoding': 'br',
      vary: 'Accept-Encoding',
      etag: expect.stringMatching(/^W\/"/),
    });
    expect(brotliDecompressSync(brotli.body).toString()).toBe(LONG);
    const gzip = await asked('/assets/app.js', 'gzip, br;q=0');
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.body).toString()).toBe(LONG);
    expect((await asked('/assets/app.js', 'identity')).headers['content-encoding']).toBeUndefined();
    // Too short.
    expect((await asked('/index.html', 'br')).headers['content-encoding']).toBeUndefined();
  });

  test('get the pages that the distribution has for errors, and the headers of its policy', async () => {
    const control = await accessControl();
    const { ResponseHeadersPolicy } = await client.send(
      new sdk.CreateResponseHeadersPolicyCommand({
        ResponseHeadersPolicyConfig: {
          Name: unique('headers'),
          SecurityHeadersConfig: {
            ContentSecurityPolicy: { ContentSecurityPolicy: "default-src 'self'", Override: true },
            StrictTransportSecurity: {
              ...{ AccessControlMaxAgeSec: 60, IncludeSubdomains: true, Override: true },
            },
            ContentTypeOptions: { Override: true },
            FrameOptions: { FrameOption: 'DENY', Override: true },
          },
          CustomHeadersConfig: {
            Quantity: 2,
            Items: [
              { Header: 'X-Own', Value: 'yes', Override: false },
              { Header: 'Cache-Control', Value: 'no-store', Override: false },
            ],
          },
          RemoveHeadersConfig: { Quantity: 1, Items: [{ Header: 'Server' }] },
          CorsConfig: {
            AccessControlAllowOrigins: { Quantity: 1, Items: ['https://*.a.test'] },
            AccessControlAllowHeaders: { Quantity: 1, Items: ['x-one'] },
            AccessControlAllowMethods: { Quantity: 1, Items: ['GET'] },
            AccessControlAllowCredentials: false,
            OriginOverride: true,
          },
        },
      }),
    );
    const { id, url } = await distribution(
      {
        DefaultCacheBehavior: {
          ...{ TargetOriginId: 'pages', ViewerProtocolPolicy: 'allow-all', CachePolicyId: OPTIMIZED },
          ResponseHeadersPolicyId: ResponseHeadersPolicy?.Id,
        },
        CustomErrorResponses: {
          Quantity: 2,
          Items: [
            { ErrorCode: 403, ResponseCode: '404', ResponsePagePath: '/404.html' },
            { ErrorCode: 400, ResponseCode: '200', ResponsePagePath: '/missing.html' },
          ],
        },
      },
      control,
    );
    await open(id);
    const page = await fetch(`${url}/missing`, { headers: { origin: 'https://b.test', range: 'bytes=0-1' } });
    expect([page.status, await page.text()]).toEqual([404, '<h1>not here</h1>']);
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-security-policy': "default-src 'self'",
      'strict-transport-security': 'max-age=60; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-own': 'yes',
      'cache-control': 'max-age=60',
      vary: 'Origin',
    });
    expect(page.headers.get('server')).toBeNull();
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
    const allowed = await fetch(`${url}/`, { headers: { origin: 'https://x.a.test' } });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://x.a.test');
    // Whose page is not there either is told of the error itself.
    expect((await fetch(`${url}/%zz`)).status).toBe(400);
  });
});

describe('functions as origins', () => {
  const ALL_VIEWER = 'b689b0a8-53d0-40ab-baf2-68738e2966ac';

  test('get what the policies let through, from a distribution that says who it is', async () => {
    const config = { ...clientConfig(cloud), maxAttempts: 1 };
    const lambda = new LambdaClient(config);
    await new IAMClient(config).send(
      new CreateRoleCommand({ RoleName: 'function-role', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
    );
    const FunctionName = 'origin';
    const code = `exports.handler = async (event) => ({
      statusCode: event.rawPath.endsWith('/gone') ? 404 : 200,
      headers: { 'content-type': 'application/json', 'x-of': 'function' },
      cookies: ['a=1'],
      body: JSON.stringify(event),
    });`;
    await lambda.send(
      new CreateFunctionCommand({
        ...{ FunctionName, Runtime: 'nodejs22.x', Role: ROLE, Handler: 'index.handler' },
        Code: { ZipFile: zip({ 'index.js': code }) },
      }),
    );
    const { FunctionUrl = '' } = await lambda.send(
      new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'AWS_IAM' }),
    );
    const urlId = new URL(FunctionUrl).pathname.split('/')[2];
    const domain = `${urlId}.lambda-url.eu-central-1.on.aws`;
    const { OriginAccessControl: control } = await client.send(
      new sdk.CreateOriginAccessControlCommand({
        OriginAccessControlConfig: {
          ...{ Name: unique('control'), SigningBehavior: 'always', SigningProtocol: 'sigv4' },
          OriginAccessControlOriginType: 'lambda',
        },
      }),
    );
    const origins = {
      Quantity: 1,
      Items: [
        {
          ...{ Id: 'api', DomainName: domain, OriginPath: '/v1', OriginAccessControlId: control?.Id },
          CustomHeaders: { Quantity: 1, Items: [{ HeaderName: 'X-Added', HeaderValue: 'yes' }] },
          CustomOriginConfig: {
            ...{ HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: 'https-only' as const },
          },
        },
      ],
    };
    const behavior: sdk.DefaultCacheBehavior = {
      ...{ TargetOriginId: 'api', ViewerProtocolPolicy: 'allow-all', CachePolicyId: DISABLED },
      OriginRequestPolicyId: ALL_VIEWER,
      AllowedMethods: { Quantity: 7, Items: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'] },
    };
    const { id, url } = await distribution({
      ...{ DefaultRootObject: '', Origins: origins, DefaultCacheBehavior: behavior },
      CustomErrorResponses: {
        Quantity: 1,
        Items: [{ ErrorCode: 404, ResponseCode: '200', ResponsePagePath: '/page' }],
      },
    });
    expect((await fetch(`${url}/a`)).status).toBe(403);
    for (const Action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']) {
      await lambda.send(
        new AddPermissionCommand({
          ...{ FunctionName, StatementId: Action.slice(7), Action, Principal: 'cloudfront.amazonaws.com' },
          SourceArn: `arn:aws:cloudfront::000000000000:distribution/${id}`,
        }),
      );
    }
    const body = '{"a":1}';
    const post = (headers: Record<string, string>) =>
      fetch(`${url}/a?b=1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie: 'c=1', 'x-own': 'yes', ...headers },
        body,
      });
    // The body's hash is for the viewer to tell.
    expect((await post({})).status).toBe(403);
    const hash = createHash('sha256').update(body).digest('hex');
    const answer = await post({ 'x-amz-content-sha256': hash });
    expect([answer.status, answer.headers.get('x-of'), answer.headers.getSetCookie()]).toEqual([
      200,
      'function',
      ['a=1'],
    ]);
    expect(await answer.json()).toMatchObject({
      rawPath: '/v1/a',
      rawQueryString: 'b=1',
      cookies: ['c=1'],
      headers: { host: domain, 'x-own': 'yes', 'x-added': 'yes' },
      body,
    });
    const page = await fetch(`${url}/gone`);
    expect([page.status, ((await page.json()) as { rawPath: string }).rawPath]).toEqual([200, '/v1/page']);
    const other = await distribution({
      ...{ DefaultRootObject: '', Origins: origins, DefaultCacheBehavior: behavior },
    });
    expect((await fetch(`${other.url}/a`)).status).toBe(403);
  });
});

test('resources: a bucket’s pages from a distribution, and all of it gone again', async () => {
  const manage = resources(cloud);
  const control = await manage.create('AWS::CloudFront::OriginAccessControl', {
    OriginAccessControlConfig: {
      Name: 'managed',
      SigningBehavior: 'always',
      SigningProtocol: 'sigv4',
      OriginAccessControlOriginType: 's3',
    },
  });
  const cors = {
    AccessControlAllowOrigins: { Items: ['https://a.test'] },
    AccessControlAllowHeaders: { Items: ['x-one'] },
    AccessControlAllowMethods: { Items: ['GET'] },
    AccessControlAllowCredentials: false,
    OriginOverride: true,
  };
  const headers = await manage.create('AWS::CloudFront::ResponseHeadersPolicy', {
    ResponseHeadersPolicyConfig: {
      Name: 'managed',
      CorsConfig: cors,
      SecurityHeadersConfig: { FrameOptions: { FrameOption: 'DENY', Override: true } },
    },
  });
  const { ResponseHeadersPolicyConfig } = await manage.read(
    'AWS::CloudFront::ResponseHeadersPolicy',
    headers,
  );
  expect(ResponseHeadersPolicyConfig).toMatchObject({ Name: 'managed', CorsConfig: cors });
  const DistributionConfig = {
    Enabled: true,
    DefaultRootObject: 'index.html',
    Origins: [
      {
        Id: 'pages',
        DomainName: 'pages.s3.eu-central-1.amazonaws.com',
        OriginPath: '/site',
        OriginAccessControlId: control,
        S3OriginConfig: { OriginAccessIdentity: '' },
      },
    ],
    DefaultCacheBehavior: {
      TargetOriginId: 'pages',
      ViewerProtocolPolicy: 'redirect-to-https',
      CachePolicyId: DISABLED,
      AllowedMethods: ['GET', 'HEAD', 'OPTIONS'],
      ResponseHeadersPolicyId: headers,
    },
    CustomErrorResponses: [{ ErrorCode: 403, ResponseCode: 404, ResponsePagePath: '/404.html' }],
  };
  const type = 'AWS::CloudFront::Distribution';
  const id = await manage.create(type, { DistributionConfig, Tags: [{ Key: 'a', Value: '1' }] });
  expect(await manage.read(type, id)).toMatchObject({
    Id: id,
    DomainName: `${id.toLowerCase()}.cloudfront.localhost:${cloud.ports.http}`,
    DistributionConfig,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  await open(id);
  const url = `${cloud.endpointUrl}/_cloudfront/${id}/`;
  expect((await fetch(url)).headers.get('x-frame-options')).toBe('DENY');
  await manage.update(type, id, [
    { op: 'replace', path: '/DistributionConfig/DefaultRootObject', value: '404.html' },
  ]);
  expect(await (await fetch(url)).text()).toBe('<h1>not here</h1>');
  const custom = {
    Id: 'web',
    DomainName: 'web.test',
    CustomOriginConfig: { OriginProtocolPolicy: 'https-only' },
  };
  await expect(
    manage.create(type, {
      DistributionConfig: {
        ...DistributionConfig,
        Origins: [custom],
        DefaultCacheBehavior: { ...DistributionConfig.DefaultCacheBehavior, TargetOriginId: 'web' },
      },
    }),
  ).rejects.toMatchObject({
    name: 'InvalidRequest',
    message: expect.stringContaining('web.test'),
  });
  await manage.delete(type, id);
  await manage.delete('AWS::CloudFront::ResponseHeadersPolicy', headers);
  await manage.delete('AWS::CloudFront::OriginAccessControl', control);
  expect((await fetch(url)).status).toBe(404);
});
