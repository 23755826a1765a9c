import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.js';
import { DeviceCredentials } from '../../src/tes/device-credentials.js';
import { startTokenExchange } from '../../src/tes/token-exchange.js';
import { makeAuthority } from '../support/authority.js';
import { temporaryFolder } from '../support/fixtures.js';

class ManualClock implements Clock {
  time = Date.UTC(2026, 0, 1);
  now = () => this.time;
  after = () => ({ cancel: () => {} });
}

/** A credentials provider as AWS IoT Core has it, and a device that asks it. */
async function setUp() {
  const authority = await makeAuthority();
  const server = await authority.server();
  const folder = temporaryFolder();
  const path = (name: string) => join(folder, name);
  const identify = async (name: string) => {
    const client = await authority.client(name);
    writeFileSync(path('thing.crt'), client.certificate);
    writeFileSync(path('thing.key'), client.privateKey);
  };
  await identify('first');
  writeFileSync(path('ca.pem'), authority.certificate);
  const clock = new ManualClock();
  const asked: { path: string | undefined; thing: string | string[] | undefined; subject: string }[] = [];
  const provider = { status: 200, body: '', lifetime: 3_600_000 };
  const https = createServer(
    { key: server.privateKey, cert: server.certificate, ca: authority.certificate, requestCert: true },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      asked.push({
        path: request.url,
        thing: request.headers['x-amzn-iot-thingname'],
        subject: String(subject.CN),
      });
      const credentials = {
        accessKeyId: `AKID${asked.length}`,
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: new Date(clock.now() + provider.lifetime).toISOString(),
      };
      const body = provider.status === 200 ? JSON.stringify({ credentials }) : provider.body;
      response.writeHead(provider.status).end(body);
    },
  );
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', () => resolve()));
  onTestFinished(() => {
    https.closeAllConnections();
    https.close();
  });
  const { port } = https.address() as AddressInfo;
  const source = { endpoint: `127.0.0.1:${port}` as string | undefined, roleAlias: 'Alias' };
  const credentials = new DeviceCredentials(
    () => ({
      ...source,
      thingName: 'T1',
      rootCaPath: path('ca.pem'),
      certificatePath: path('thing.crt'),
      privateKeyPath: path('thing.key'),
    }),
    clock,
  );
  const exchange = await startTokenExchange({
    credentials,
    authenticate: (token) => token === 'SVCUID',
    port: 0,
    clock,
    log: () => {},
  });
  onTestFinished(() => exchange.close());
  const get = (authorization = 'SVCUID', url = exchange.uri, method = 'GET') =>
    fetch(url, { method, headers: { authorization } });
  return { clock, asked, provider, source, credentials, exchange, get, identify, folder };
}

describe('the device’s credentials', () => {
  it('come with its certificate of the moment, and are kept until shortly before they expire', async () => {
    const { credentials, asked, clock, identify } = await setUp();
    const [first, same] = await Promise.all([credentials.get(), credentials.get()]);
    expect(same).toBe(first);
    expect(asked).toEqual([{ path: '/role-aliases/Alias/credentials', thing: 'T1', subject: 'first' }]);
    clock.time += 54 * 60_000;
    expect(await credentials.get()).toBe(first);
    clock.time += 60_000;
    await identify('second');
    expect((await credentials.get()).accessKeyId).toBe('AKID2');
    expect(asked.at(-1)?.subject).toBe('second');
  });

  it('are refused in the provider’s words, and failures tell what may be tried again', async () => {
    const { credentials, provider, source } = await setUp();
    Object.assign(provider, { status: 403, body: '{"message":"Access Denied"}' });
    await expect(credentials.get()).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      message: expect.stringContaining('for the role alias Alias: Access Denied (status 403).'),
    });
    Object.assign(provider, { status: 500, body: 'oops' });
    await expect(credentials.get()).rejects.toMatchObject({ code: 'OFFLINE', status: 500 });
    source.endpoint = '127.0.0.1:1';
    await expect(credentials.get()).rejects.toMatchObject({ code: 'OFFLINE', status: undefined });
    source.endpoint = undefined;
    await expect(credentials.get()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'The device has no AWS credentials: the nucleus’s iotCredEndpoint is not configured.'.replace(
        '’',
        "'",
      ),
    });
    await expect(credentials.get(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  });
});

describe('the token exchange service', () => {
  it('answers components in the form of container credentials, and nobody else', async () => {
    const { get, exchange, asked } = await setUp();
    expect(new URL(exchange.uri).hostname).toBe('127.0.0.1');
    expect((await get('stranger')).status).toBe(403);
    expect((await get('SVCUID', exchange.uri, 'POST')).status).toBe(405);
    expect((await get('SVCUID', exchange.uri.replace('2016-11-01', 'latest'))).status).toBe(400);
    expect(asked).toEqual([]);
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      AccessKeyId: 'AKID1',
      SecretAccessKey: 'secret',
      Token: 'token',
      Expiration: '2026-01-01T01:00:00Z',
    });
  });

  it.each([
    [404, 120_000],
    [503, 60_000],
    [302, 10_000],
  ])('keeps the answer of status %i for %i milliseconds', async (status, time) => {
    const { get, provider, asked, clock } = await setUp();
    Object.assign(provider, { status, body: '{"message":"no"}' });
    expect((await get()).status).toBe(status >= 400 ? status : 500);
    provider.status = 200;
    clock.time += time - 1;
    expect((await get()).status).not.toBe(200);
    expect(asked).toHaveLength(1);
    clock.time += 1;
    expect((await get()).status).toBe(200);
  });

  it('serves an AWS SDK in a process of its own, by its default provider chain', async () => {
    const { exchange, clock, folder } = await setUp();
    clock.time = Date.now();
    mkdirSync(join(folder, 'home'));
    const program = `
      import { S3Client } from '@aws-sdk/client-s3';
      const { accessKeyId, sessionToken } = await new S3Client({ region: 'eu-west-1' }).config.credentials();
      console.log(accessKeyId, sessionToken);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: {
        HOME: join(folder, 'home'),
        AWS_CONTAINER_CREDENTIALS_FULL_URI: exchange.uri,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'SVCUID',
      },
    });
    expect(stdout).toBe('AKID1 token\n');
  });
});
