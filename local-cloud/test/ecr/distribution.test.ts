import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  ECRClient,
  PutImageTagMutabilityCommand,
  SetRepositoryPolicyCommand,
} from '@aws-sdk/client-ecr';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { LocalCloud } from '../../src/local-cloud.js';
import { atEnd } from '../support/at-end.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';
import { basicToken, OCI_INDEX, OCI_MANIFEST, RegistryApi, sha256, testImage, testIndex } from './images.js';

const clock = new ManualClock(Date.now());
const stateDirectory = mkdtempSync(join(tmpdir(), 'ecr-'));
atEnd(() => rmSync(stateDirectory, { recursive: true, force: true }));
let cloud: LocalCloud;
let ecr: ECRClient;
let api: RegistryApi;

beforeAll(async () => {
  cloud = await startCloud({ clock, stateDirectory });
  ecr = new ECRClient(clientConfig(cloud));
  api = new RegistryApi(cloud.endpointUrl, await basicToken(ecr));
});

async function repository(name: string): Promise<string> {
  await ecr.send(new CreateRepositoryCommand({ repositoryName: name }));
  return name;
}

/** Whether the blob's file is there. */
function isOnDisk(digest: string): boolean {
  const hex = digest.slice('sha256:'.length);
  return existsSync(join(stateDirectory, 'ecr', 'blobs', 'sha256', hex.slice(0, 2), hex));
}

test('only holders of a token are let in, for twelve hours', async () => {
  const response = await new RegistryApi(cloud.endpointUrl, undefined).fetch('/v2/');
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(
    /^Basic realm="http:\/\/127\.0\.0\.1:\d+\/",service="ecr\.amazonaws\.com"$/,
  );
  expect(await response.json()).toEqual({ errors: [{ code: 'UNAUTHORIZED', message: 'Not Authorized' }] });
  for (const token of ['', 'AAAA', Buffer.from('AWS:x.y').toString('base64')]) {
    expect((await new RegistryApi(cloud.endpointUrl, token).fetch('/v2/')).status).toBe(401);
  }
  const welcome = await api.fetch('/v2/');
  expect(welcome.status).toBe(200);
  expect(welcome.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
  const own = new ManualClock(Date.now());
  const other = await startCloud({ clock: own });
  const later = new RegistryApi(other.endpointUrl, await basicToken(new ECRClient(clientConfig(other))));
  own.advance(12 * 60 * 60 * 1000 - 1);
  expect((await later.fetch('/v2/')).status).toBe(200);
  own.advance(1);
  expect(await later.code('/v2/')).toEqual([403, 'DENIED']);
});

describe('blobs', () => {
  test('are uploaded in chunks, whose order is kept, and read in ranges', async () => {
    const name = await repository('team/chunks');
    const bytes = Buffer.from('0123456789');
    const digest = sha256(bytes);
    expect(await api.code(`/v2/${name}/blobs/${digest}`)).toEqual([404, 'BLOB_UNKNOWN']);
    const begun = await api.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    expect(begun.status).toBe(202);
    const location = begun.headers.get('location') ?? '';
    const patch = (body: string, range?: string) =>
      api.fetch(location, { method: 'PATCH', body, headers: range ? { 'content-range': range } : {} });
    const first = await patch('0123', '0-3');
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-3']);
    const skipped = await patch('6789', '6-9');
    expect([skipped.status, skipped.headers.get('range')]).toEqual([416, '0-3']);
    expect((await patch('45', '4-9')).status).toBe(400);
    expect((await patch('456')).headers.get('range')).toBe('0-6');
    const status = await api.fetch(location);
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-6']);
    expect((await api.fetch(location, { method: 'PUT' })).status).toBe(400);
    const done = await api.fetch(`${location}?digest=${digest}`, { method: 'PUT', body: '789' });
    expect(done.status).toBe(201);
    expect(done.headers.get('location')).toBe(`/v2/${name}/blobs/${digest}`);
    expect(await api.code(location)).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);

    const head = await api.fetch(`/v2/${name}/blobs/${digest}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
    const get = async (range: string) => {
      const response = await api.fetch(`/v2/${name}/blobs/${digest}`, { headers: { range } });
      return [response.status, response.headers.get('content-range'), await response.text()];
    };
    expect(await get('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await get('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await get('bytes=8-')).toEqual([206, 'bytes 8-9/10', '89']);
    expect(await get('lines=1-2')).toEqual([200, null, '0123456789']);
    expect((await get('bytes=10-'))[0]).toBe(416);
    expect(await api.code(`/v2/${name}/blobs/${digest}`, { method: 'DELETE' })).toEqual([405, 'UNSUPPORTED']);
  });

  test('whose sender goes away in the middle go on from what was acknowledged', async () => {
    const name = await repository('interrupted');
    const begun = await api.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const location = begun.headers.get('location') ?? '';
    await api.fetch(location, { method: 'PATCH', body: 'begun ' });
    const headers = { authorization: `Basic ${await basicToken(ecr)}`, 'content-length': '1000000' };
    const sent = request(new URL(location, cloud.endpointUrl), { method: 'PATCH', headers });
    sent.on('error', () => {});
    const file = join(stateDirectory, 'ecr', 'uploads', location.split('/').at(-1) ?? '');
    sent.write('x'.repeat(100_000));
    await vi.waitFor(() => expect(statSync(file).size).toBeGreaterThan(6));
    expect(await api.code(location, { method: 'PATCH', body: 'y' })).toEqual([400, 'BLOB_UPLOAD_INVALID']);
    sent.destroy();
    await vi.waitFor(() => expect(statSync(file).size).toBe(6));
    const digest = sha256('begun and ended');
    const done = await vi.waitFor(async () => {
      const response = await api.fetch(`${location}?digest=${digest}`, { method: 'PUT', body: 'and ended' });
      expect(response.status).not.toBe(400);
      return response;
    });
    expect(done.status).toBe(201);
  });

  test('of a repository that is deleted while they come are refused', async () => {
    const name = await repository('deleted');
    const begun = await api.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const location = begun.headers.get('location') ?? '';
    const headers = { authorization: `Basic ${await basicToken(ecr)}` };
    const sent = request(new URL(location, cloud.endpointUrl), { method: 'PATCH', headers });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    sent.write('x'.repeat(100_000));
    const file = join(stateDirectory, 'ecr', 'uploads', location.split('/').at(-1) ?? '');
    await vi.waitFor(() => expect(statSync(file).size).toBeGreaterThan(0));
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: name }));
    sent.end('y');
    const [response] = await answered;
    expect(response.statusCode).toBe(404);
    response.resume();
    expect(existsSync(file)).toBe(false);
  });

  test('have the digest that they are sent with, or are not kept', async () => {
    const name = await repository('digests');
    const wrong = sha256('other');
    const path = `/v2/${name}/blobs/uploads/?digest=${wrong}`;
    expect(await api.code(path, { method: 'POST', body: 'bytes' })).toEqual([400, 'DIGEST_INVALID']);
    expect((await api.fetch(`/v2/${name}/blobs/${wrong}`, { method: 'HEAD' })).status).toBe(404);
    for (const digest of ['sha256:abc', 'md5:00', `sha512:${'0'.repeat(128)}`, 'x']) {
      expect(await api.code(`/v2/${name}/blobs/${digest}`)).toEqual([400, 'DIGEST_INVALID']);
    }
    const begun = await api.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const location = begun.headers.get('location') ?? '';
    expect((await api.fetch(location, { method: 'DELETE' })).status).toBe(204);
    expect((await api.fetch(location)).status).toBe(404);
    expect(readdirSync(join(stateDirectory, 'ecr', 'uploads'))).toEqual([]);
  });

  test('are mounted from other repositories, and shared until the last image that names them goes', async () => {
    const [from, to] = [await repository('from'), await repository('to')];
    const image = testImage('shared');
    await api.push(from, 'one', image);
    for (const digest of image.blobs.keys()) {
      const mounted = await api.fetch(`/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`, {
        method: 'POST',
      });
      expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/${to}/blobs/${digest}`]);
    }
    expect((await api.putManifest(to, 'one', image.manifest)).status).toBe(201);
    const unknown = await api.fetch(`/v2/${to}/blobs/uploads/?mount=${sha256('?')}&from=${from}`, {
      method: 'POST',
    });
    expect(unknown.status).toBe(202);
    await api.fetch(unknown.headers.get('location') ?? '', { method: 'DELETE' });

    const [digest = ''] = image.blobs.keys();
    const imageIds = [{ imageDigest: image.digest }];
    await ecr.send(new BatchDeleteImageCommand({ repositoryName: from, imageIds }));
    expect((await api.fetch(`/v2/${from}/blobs/${digest}`, { method: 'HEAD' })).status).toBe(404);
    expect((await api.fetch(`/v2/${to}/blobs/${digest}`)).status).toBe(200);
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: to, force: true }));
    expect(isOnDisk(digest)).toBe(false);
  });

  test('of large size are streamed', { timeout: 30_000 }, async () => {
    const name = await repository('large');
    const bytes = Buffer.alloc(60 * 1024 * 1024);
    for (let at = 0; at < bytes.length; at += 4096) bytes.writeUInt32LE(at, at);
    expect((await api.putBlob(name, bytes)).status).toBe(201);
    const got = await api.fetch(`/v2/${name}/blobs/${sha256(bytes)}`);
    expect(sha256(new Uint8Array(await got.arrayBuffer()))).toBe(sha256(bytes));
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: name }));
    expect(isOnDisk(sha256(bytes))).toBe(false);
  });

  test('that no image names go after a day, as uploads that nobody ends', async () => {
    const name = await repository('unused');
    const image = testImage('used');
    await api.push(name, 'kept', image);
    const bytes = Buffer.from('named by no image');
    await api.putBlob(name, bytes);
    const { headers } = await api.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    clock.advance(11 * 60 * 60 * 1000);
    expect(isOnDisk(sha256(bytes))).toBe(true);
    clock.advance(14 * 60 * 60 * 1000);
    expect(isOnDisk(sha256(bytes))).toBe(false);
    // The token has expired meanwhile.
    api = new RegistryApi(cloud.endpointUrl, await basicToken(ecr));
    expect((await api.fetch(headers.get('location') ?? '')).status).toBe(404);
    for (const digest of image.blobs.keys()) {
      expect((await api.fetch(`/v2/${name}/blobs/${digest}`, { method: 'HEAD' })).status).toBe(200);
    }
  });
});

describe('manifests', () => {
  test('are kept to the byte, by tag and digest, as far as they are accepted', async () => {
    const name = await repository('a/b/c');
    const image = testImage('kept');
    const pushed = await api.push(name, 'v1.0', image);
    expect(pushed.status).toBe(201);
    expect(pushed.headers.get('docker-content-digest')).toBe(image.digest);
    expect((await api.push(name, 'v1.0', image)).status).toBe(201);
    for (const reference of ['v1.0', image.digest, image.digest.replace(':', '%3A')]) {
      const got = await api.fetch(`/v2/${name}/manifests/${reference}`, {
        headers: { accept: `${OCI_INDEX}, ${OCI_MANIFEST};q=0.9` },
      });
      expect([got.status, got.headers.get('content-type')]).toEqual([200, OCI_MANIFEST]);
      expect(await got.text()).toBe(image.manifest);
    }
    const head = await api.fetch(`/v2/${name}/manifests/v1.0`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(image.manifest.length));
    const accept = 'application/vnd.docker.distribution.manifest.v2+json';
    expect(await api.code(`/v2/${name}/manifests/v1.0`, { headers: { accept } })).toEqual([
      404,
      'MANIFEST_UNKNOWN',
    ]);
    expect(await api.code(`/v2/${name}/manifests/none`)).toEqual([404, 'MANIFEST_UNKNOWN']);
    expect(await api.code('/v2/nowhere/manifests/none')).toEqual([404, 'NAME_UNKNOWN']);
    expect(await api.code('/v2/UPPER/manifests/none')).toEqual([400, 'NAME_INVALID']);
    expect((await api.fetch(`/v2/${name}/manifests/v1.0`, { method: 'DELETE' })).status).toBe(202);
    expect((await api.fetch(`/v2/${name}/manifests/${image.digest}`)).status).toBe(200);
    expect((await api.fetch(`/v2/${name}/manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202);
    expect((await api.fetch(`/v2/${name}/manifests/${image.digest}`)).status).toBe(404);
  });

  test('name only what is there', async () => {
    const name = await repository('references');
    const image = testImage('x');
    const put = async (reference: string, text: string, type = OCI_MANIFEST) => {
      const response = await api.putManifest(name, reference, text, type);
      const body = await response.text();
      return [response.status, body === '' ? '' : JSON.parse(body).errors[0].code];
    };
    expect(await put('v1', image.manifest)).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    expect(await put('v1', testIndex({ amd64: image }), OCI_INDEX)).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    for (const bytes of image.blobs.values()) await api.putBlob(name, bytes);
    expect(await put(sha256('?'), image.manifest)).toEqual([400, 'DIGEST_INVALID']);
    expect(await put('sha256:0', image.manifest)).toEqual([400, 'DIGEST_INVALID']);
    expect(await put('-v1', image.manifest)).toEqual([400, 'TAG_INVALID']);
    expect(await put('v1', image.manifest, OCI_INDEX)).toEqual([400, 'MANIFEST_INVALID']);
    expect(await put('v1', '{}')).toEqual([400, 'MANIFEST_INVALID']);
    expect(await put('v1', 'x'.repeat(4 * 1024 * 1024 + 1))).toEqual([400, 'MANIFEST_INVALID']);
    expect(await put(image.digest, image.manifest)).toEqual([201, '']);
    const index = testIndex({ amd64: image });
    expect(await put('v1', index, OCI_INDEX)).toEqual([201, '']);
    const child = `/v2/${name}/manifests/${image.digest}`;
    expect(await api.code(child, { method: 'DELETE' })).toEqual([403, 'DENIED']);
    await api.fetch(`/v2/${name}/manifests/${sha256(index)}`, { method: 'DELETE' });
    expect((await api.fetch(child, { method: 'DELETE' })).status).toBe(202);
  });

  test('of immutable tags stay, except for tags that are left out', async () => {
    const name = await repository('immutable');
    const set = (imageTagMutability: 'IMMUTABLE' | 'IMMUTABLE_WITH_EXCLUSION', filter?: string) =>
      ecr.send(
        new PutImageTagMutabilityCommand({
          repositoryName: name,
          imageTagMutability,
          ...(filter && { imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter }] }),
        }),
      );
    const [first, second] = [testImage('1'), testImage('2')];
    await set('IMMUTABLE');
    expect((await api.push(name, 'v1', first)).status).toBe(201);
    expect((await api.push(name, 'v1', first)).status).toBe(201);
    const refused = await api.push(name, 'v1', second);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({
      errors: [
        {
          code: 'TAG_INVALID',
          message:
            "The image tag 'v1' already exists in the 'immutable' repository and cannot be overwritten because the tag is immutable.",
        },
      ],
    });
    await set('IMMUTABLE_WITH_EXCLUSION', 'dev-*');
    expect((await api.push(name, 'dev-1', first)).status).toBe(201);
    expect((await api.push(name, 'dev-1', second)).status).toBe(201);
    expect((await api.push(name, 'v1', second)).status).toBe(400);
  });

  test('are listed by tags in pages, and by what they are about', async () => {
    const name = await repository('listed');
    const image = testImage('x');
    for (const tag of ['c', 'a', 'b']) await api.push(name, tag, image);
    const page = async (path: string) => {
      const response = await api.fetch(path);
      return { body: await response.json(), next: /<(.*)>/.exec(response.headers.get('link') ?? '')?.[1] };
    };
    const first = await page(`/v2/${name}/tags/list?n=2`);
    expect(first.body).toEqual({ name, tags: ['a', 'b'] });
    expect(await page(first.next ?? '')).toEqual({ body: { name, tags: ['c'] }, next: undefined });
    expect(await api.code(`/v2/${name}/tags/list?n=x`)).toEqual([400, 'PAGINATION_NUMBER_INVALID']);
    const { body } = await page('/v2/_catalog?n=1000');
    expect((body as { repositories: string[] }).repositories).toContain(name);

    const subject = { mediaType: OCI_MANIFEST, digest: image.digest, size: image.manifest.length };
    const about = JSON.stringify({ ...JSON.parse(image.manifest), artifactType: 'text/x', subject });
    const put = await api.putManifest(name, sha256(about), about);
    expect(put.headers.get('oci-subject')).toBe(image.digest);
    const found = await page(`/v2/${name}/referrers/${image.digest}?artifactType=text/x`);
    expect(found.body).toEqual({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [
        { mediaType: OCI_MANIFEST, digest: sha256(about), size: about.length, artifactType: 'text/x' },
      ],
    });
    const none = await page(`/v2/${name}/referrers/${image.digest}?artifactType=text/y`);
    expect(none.body).toMatchObject({ manifests: [] });
  });
});

test('a role does what its policies or the repository’s allow', async () => {
  const whole = await startCloud();
  const admin = new ECRClient(clientConfig(whole));
  const [mine, other] = ['team/mine', 'team/other'];
  for (const name of [mine, other]) await admin.send(new CreateRepositoryCommand({ repositoryName: name }));
  const arn = `arn:aws:ecr:${whole.region}:${whole.accountId}:repository/${mine}`;
  const pull = ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
  const puller = new ECRClient(
    await roleSession(whole, 'puller', [
      { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
      { Effect: 'Allow', Action: pull, Resource: arn },
    ]),
  );
  const image = testImage('x');
  const [layer = ''] = image.blobs.keys();
  const adminApi = new RegistryApi(whole.endpointUrl, await basicToken(admin));
  for (const name of [mine, other]) await adminApi.push(name, 'v1', image);
  const role = new RegistryApi(whole.endpointUrl, await basicToken(puller));
  expect((await role.fetch('/v2/')).status).toBe(200);
  expect((await role.fetch(`/v2/${mine}/manifests/v1`)).status).toBe(200);
  expect((await role.fetch(`/v2/${mine}/blobs/${layer}`)).status).toBe(200);
  expect(await role.code(`/v2/${other}/manifests/v1`)).toEqual([403, 'DENIED']);
  expect(await role.code(`/v2/${mine}/blobs/uploads/`, { method: 'POST' })).toEqual([403, 'DENIED']);
  expect((await role.push(mine, 'v2', image)).status).toBe(403);
  const remove = new BatchDeleteImageCommand({ repositoryName: mine, imageIds: [{ imageTag: 'v1' }] });
  await expect(puller.send(remove)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  const setPolicy = (repositoryName: string, statement: object) =>
    admin.send(
      new SetRepositoryPolicyCommand({
        repositoryName,
        policyText: JSON.stringify({ Version: '2012-10-17', Statement: statement }),
      }),
    );
  const Principal = { AWS: `arn:aws:iam::${whole.accountId}:role/puller` };
  await setPolicy(other, { Effect: 'Allow', Principal, Action: pull });
  expect((await role.fetch(`/v2/${other}/manifests/v1`)).status).toBe(200);
  await setPolicy(mine, { Effect: 'Deny', Principal: '*', Action: 'ecr:BatchGetImage' });
  expect(await role.code(`/v2/${mine}/manifests/v1`)).toEqual([403, 'DENIED']);
});

test('what was pushed is there after a restart, and the token still holds', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ecr-restart-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const first = await startCloud({ stateDirectory: directory });
  const client = new ECRClient(clientConfig(first));
  await client.send(new CreateRepositoryCommand({ repositoryName: 'kept' }));
  const token = await basicToken(client);
  const image = testImage('kept');
  await new RegistryApi(first.endpointUrl, token).push('kept', 'v1', image);
  const begun = await new RegistryApi(first.endpointUrl, token).fetch('/v2/kept/blobs/uploads/', {
    method: 'POST',
  });
  const location = begun.headers.get('location') ?? '';
  await new RegistryApi(first.endpointUrl, token).fetch(location, { method: 'PATCH', body: 'abc' });
  await first.close();
  const second = await startCloud({ stateDirectory: directory });
  const again = new RegistryApi(second.endpointUrl, token);
  expect(await (await again.fetch('/v2/kept/manifests/v1')).text()).toBe(image.manifest);
  for (const [digest, bytes] of image.blobs) {
    const got = await again.fetch(`/v2/kept/blobs/${digest}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  }
  const done = await again.fetch(`${location}?digest=${sha256('abcdef')}`, { method: 'PUT', body: 'def' });
  expect(done.status).toBe(201);
});
