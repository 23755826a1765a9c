import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BuildContext } from '../../src/components/build-context.js';
import { parseDockerfile } from '../../src/components/dockerfile.js';
import { planPlatform } from '../../src/components/image-plan.js';
import { buildWithLayers } from '../../src/components/layers-builder.js';
import { digestOf } from '../../src/components/oci.js';
import { type PushOptions, pushImage } from '../../src/components/registry.js';
import { clientConfig } from '../../src/target.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';

const run = promisify(execFile);
const hasSkopeo = (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, 'skopeo')));
const root = mkdtempSync(join(tmpdir(), 'mooring-registry-'));
const layout = join(root, 'layout');
let digest: string;

beforeAll(async () => {
  const text = 'FROM scratch\nARG TARGETARCH\nCOPY program/ /app/\nENV FOR=$TARGETARCH\n';
  const source = new TextEncoder().encode('program'.repeat(100_000));
  const image = await buildWithLayers(
    {
      name: 'test',
      file: 'Dockerfile',
      platforms: ['linux/amd64', 'linux/arm64'].map((platform) =>
        planPlatform(parseDockerfile(text, 'Dockerfile'), platform, 'Dockerfile'),
      ),
      context: new BuildContext([
        {
          at: 'program',
          entries: async () => [{ kind: 'file', path: 'x', executable: false, source, size: source.length }],
        },
      ]),
      layout,
    },
    { compression: 'portable', epoch: 0, layerCache: join(root, 'cache') },
  );
  digest = image.digest;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const authorization = Buffer.from('AWS:secret').toString('base64');

function push(repositoryUri: string, options: Partial<PushOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  return pushImage({
    layout,
    repositoryUri,
    authorization,
    insecure: true,
    onProgress: (line) => lines.push(line),
    ...options,
  }).then(() => lines);
}

/** A registry that keeps what it is sent, and fails as it is told. */
class PlainRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** Answers the next requests, one after the other. */
  readonly failures: ((request: IncomingMessage, response: ServerResponse) => void)[] = [];

  async start(): Promise<string> {
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}/team/app`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://registry');
    const path = url.pathname.replace('/v2/team/app/', '');
    this.requests.push(`${request.method} ${path}`);
    const failure = this.failures.shift();
    if (failure) return failure(request, response);
    if (request.headers.authorization !== `Basic ${authorization}`) return void response.writeHead(401).end();
    const body = await buffer(request);
    const [kind, reference = ''] = path.split('/');
    if (request.method === 'HEAD') {
      const found = (kind === 'blobs' ? this.blobs : this.manifests).has(reference);
      response.writeHead(found ? 200 : 404).end();
    } else if (request.method === 'POST') {
      response.writeHead(202, { location: '/v2/team/app/blobs/uploads/7?state=x' }).end();
    } else if (kind === 'blobs') {
      const named = url.searchParams.get('digest') ?? '';
      expect(url.searchParams.get('state')).toBe('x');
      expect(digestOf(body)).toBe(named);
      this.blobs.set(named, body);
      response.writeHead(201).end();
    } else {
      this.manifests.set(reference, body);
      response.writeHead(201).end();
    }
  }
}

describe('pushImage', () => {
  it('sends blobs, manifests and the index, last the tag, and nothing twice', async () => {
    const registry = new PlainRegistry();
    const uri = await registry.start();
    expect(await push(uri, { tag: '1.0.0' })).toEqual([
      expect.stringMatching(/^Pushed sha256:\w+ to .* MB\.$/),
    ]);
    expect(registry.blobs.size).toBe(3);
    expect([...registry.manifests.keys()].slice(2)).toEqual([digest, '1.0.0']);
    registry.requests.length = 0;
    expect(await push(uri, { mountFrom: 'team/other' })).toEqual([`${uri} has all of ${digest} already.`]);
    expect(registry.requests.filter((request) => !request.startsWith('HEAD'))).toEqual([]);
  });

  it('sends what the registry does not mount', async () => {
    const registry = new PlainRegistry();
    const lines = await push(await registry.start(), { mountFrom: 'team/other' });
    expect(lines).toEqual([expect.stringMatching(/^Pushed sha256:\w+ to [^,]* MB\.$/)]);
    expect(registry.blobs.size).toBe(3);
  });

  it('tries again what may pass', async () => {
    const registry = new PlainRegistry();
    const uri = await registry.start();
    registry.failures.push(
      (request) => request.destroy(),
      (_, response) => response.writeHead(503).end(),
      (_, response) => response.writeHead(429).end(),
    );
    await push(uri);
    expect(registry.manifests.has(digest)).toBe(true);
  });

  it.each([
    [401, '', /refuses the push to .*: it does not accept the token; get a new one$/],
    [403, '', /the token does not allow it/],
    [404, '', /there is no such repository; deploy the infrastructure first/],
    [
      400,
      '{"errors":[{"code":"DIGEST_INVALID","message":"not so"}]}',
      /it answers 400 \(DIGEST_INVALID: not so\)/,
    ],
    [400, '<html>', /it answers 400$/],
  ])('says what the answer %d %s to an upload means', async (status, body, says) => {
    const registry = new PlainRegistry();
    const uri = await registry.start();
    registry.failures.push(
      (_, response) => response.writeHead(404).end(),
      (_, response) => response.writeHead(status).end(body),
    );
    await expect(push(uri)).rejects.toThrow(says);
    expect(registry.requests).toHaveLength(2);
  });

  it('says when nothing answers, and what is no repository or image', async () => {
    const gone = createServer();
    await new Promise<void>((ready) => gone.listen(0, '127.0.0.1', ready));
    const address = gone.address();
    const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    await new Promise((closed) => gone.close(closed));
    await expect(push(`${host}/app`)).rejects.toThrow(
      /^The registry of 127.* is not reached: Nothing answers at 127/,
    );
    await expect(push('nowhere')).rejects.toThrow('nowhere is no repository; it shall be host/name');
    await expect(push(`${host}/app`, { layout: root })).rejects.toThrow(/cannot be pushed to .*index\.json/);
  });

  it('stops when it is told to', async () => {
    const registry = new PlainRegistry();
    const uri = await registry.start();
    const stop = new AbortController();
    registry.failures.push(() => stop.abort(new Error('enough')));
    await expect(push(uri, { signal: stop.signal })).rejects.toThrow('enough');
  });
});

describe('pushImage to ECR', () => {
  let cloud: RunningCloud;
  let ecr: ECRClient;
  beforeAll(async () => {
    cloud = await startCloud();
    ecr = new ECRClient(clientConfig(cloud.target));
  });
  afterAll(async () => {
    ecr?.destroy();
    await cloud?.stop();
  });

  async function repository(name: string): Promise<{ uri: string; token: string }> {
    const created = await ecr.send(new CreateRepositoryCommand({ repositoryName: name }));
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
    return {
      uri: created.repository?.repositoryUri ?? '',
      token: authorizationData?.[0]?.authorizationToken ?? '',
    };
  }

  it('brings the image of both platforms there, by digest and tag', async () => {
    const { uri, token } = await repository('docker_led');
    await push(uri, { authorization: token, tag: '1.0.0' });
    expect(await push(uri, { authorization: token })).toEqual([`${uri} has all of ${digest} already.`]);
    if (!hasSkopeo) return;
    const credentials = Buffer.from(token, 'base64').toString();
    for (const reference of [`${uri}:1.0.0`, `${uri}@${digest}`]) {
      const { stdout } = await run('skopeo', [
        ...['inspect', '--override-arch', 'arm64', '--tls-verify=false', '--creds', credentials],
        `docker://${reference}`,
      ]);
      expect(JSON.parse(stdout)).toMatchObject({ Architecture: 'arm64', Env: ['FOR=arm64'] });
    }
  });

  it('mounts what another repository has', async () => {
    const first = await repository('first');
    await push(first.uri, { authorization: first.token });
    const { uri, token } = await repository('second');
    expect(await push(uri, { authorization: token, mountFrom: 'first' })).toEqual([
      expect.stringMatching(/: 0\.0 MB, and .* MB that first had\.$/),
    ]);
    expect(await push(uri, { authorization: token })).toEqual([`${uri} has all of ${digest} already.`]);
  });

  it('says that there is no such repository, and that the token is none', async () => {
    const { uri, token } = await repository('other');
    await expect(push(`${uri}-not`, { authorization: token })).rejects.toThrow(
      /The registry refuses the push to .*other-not: there is no such repository/,
    );
    await expect(push(uri)).rejects.toThrow(/it does not accept the token/);
  });
});
