import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { EcrLogins } from '../../src/containers/ecr.js';
import { ImageStore } from '../../src/containers/image-store.js';
import { ProcessImages } from '../../src/containers/process-images.js';
import { parseReference } from '../../src/containers/reference.js';
import { temporaryFolder } from '../support/fixtures.js';
import { TestRegistry } from '../support/images.js';

const LOCAL_CLOUD = fileURLToPath(new URL('../../../local-cloud/bin/local-cloud.js', import.meta.url));
const signal = new AbortController().signal;

/** The local cloud's command, for its ECR. @returns the endpoint of its control planes */
async function startCloud(): Promise<string> {
  const ports = ['--http-port', '0', '--mqtt-port', '0', '--https-port', '0'];
  const child = spawn(
    process.execPath,
    [
      LOCAL_CLOUD,
      '--state-directory',
      join(temporaryFolder(), 'state'),
      ...ports,
      '--json',
      '--exit-with-parent',
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  onTestFinished(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const [endpoint] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    if (endpoint !== undefined && said.includes('\n')) return endpoint;
  }
  throw new Error('the local cloud did not start');
}

describe('a private repository of Amazon ECR', () => {
  it('is read with the device’s credentials, by the endpoint that every AWS SDK is told', async () => {
    const endpoint = await startCloud();
    const keys = {
      accessKeyId: 'test',
      secretAccessKey: 'test',
      sessionToken: '',
      expiration: new Date(Date.now() + 3_600_000),
    };
    const client = new ECRClient({
      region: 'eu-central-1',
      endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    onTestFinished(() => client.destroy());
    const { repository } = await client.send(new CreateRepositoryCommand({ repositoryName: 'app' }));
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
    const headers = { authorization: `Basic ${authorizationData?.[0]?.authorizationToken}` };
    // Made by the registry double, and pushed as every client pushes.
    const source = await TestRegistry.start();
    const reference = await source.add('app', { layers: [[{ name: 'hello', content: 'from ecr' }]] });
    for (const [digest, blob] of source.blobs) {
      const started = await fetch(`${endpoint}/v2/app/blobs/uploads/`, { method: 'POST', headers });
      const location = new URL(started.headers.get('location') ?? '', endpoint);
      location.searchParams.set('digest', digest);
      const done = await fetch(location, { method: 'PUT', headers, body: new Uint8Array(blob) });
      expect(done.status).toBe(201);
    }
    const [, digest = ''] = reference.split('@');
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const put = await fetch(`${endpoint}/v2/app/manifests/${digest}`, {
      method: 'PUT',
      headers: { ...headers, 'content-type': type },
      body: new Uint8Array(source.manifests.get(digest) ?? []),
    });
    expect(put.status).toBe(201);

    const name = `${repository?.repositoryUri}@${digest}`;
    const ecr = new EcrLogins({
      credentials: { get: () => Promise.resolve(keys) },
      region: () => 'eu-central-1',
      environment: { AWS_ENDPOINT_URL: endpoint },
      clock: systemClock,
    });
    const store = new ImageStore(join(temporaryFolder(), 'images'), temporaryFolder());
    const images = new ProcessImages({ store, login: ecr.of.bind(ecr), clock: systemClock, log: () => {} });
    await images.pull(name, signal);
    expect(store.find(parseReference(name))).toBeDefined();
    expect(await ecr.of('ghcr.io', signal)).toBeUndefined();

    const stranger = new EcrLogins({
      credentials: { get: () => Promise.reject(new Error('no role alias')) },
      region: () => undefined,
      environment: { AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:1' },
      clock: systemClock,
    });
    await expect(stranger.of('123456789012.dkr.ecr.eu-west-1.amazonaws.com', signal)).rejects.toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining(
        'Amazon ECR gives no authorization for 123456789012.dkr.ecr.eu-west-1',
      ),
    });
  });
});
