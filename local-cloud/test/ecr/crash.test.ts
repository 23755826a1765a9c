import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { clientConfig } from '../support/cloud.js';
import { startCommand } from '../support/command.js';
import { basicToken, RegistryApi, sha256, testImage } from './images.js';

test('killed at any time, what was acknowledged is there, whole, and no part of anything else', {
  timeout: 60_000,
}, async () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'ecr-crash-'));
  atEnd(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const repository = 'crash';
  const acknowledged = new Map<string, string>();
  let count = 0;
  for (const most of [2, 5, 9]) {
    const cloud = await startCommand(stateDirectory);
    const ecr = new ECRClient({ ...clientConfig(cloud), maxAttempts: 1 });
    if (most === 2) await ecr.send(new CreateRepositoryCommand({ repositoryName: repository }));
    const api = new RegistryApi(cloud.endpointUrl, await basicToken(ecr));
    const blobs = join(stateDirectory, 'ecr', 'blobs', 'sha256');
    for (const shard of readdirSync(blobs)) {
      for (const hex of readdirSync(join(blobs, shard))) {
        expect(sha256(readFileSync(join(blobs, shard, hex)))).toBe(`sha256:${hex}`);
      }
    }
    for (const [tag, digest] of acknowledged) {
      const got = await api.fetch(`/v2/${repository}/manifests/${tag}`);
      const text = await got.text();
      expect(sha256(text)).toBe(digest);
      const { config, layers } = JSON.parse(text);
      for (const { digest: blob } of [config, ...layers]) {
        const { status } = await api.fetch(`/v2/${repository}/blobs/${blob}`, { method: 'HEAD' });
        expect(status).toBe(200);
      }
    }
    let enough: () => void = () => {};
    const reached = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const pushers = [1, 2, 3].map(async () => {
      for (;;) {
        count += 1;
        const tag = `t${count}`;
        const image = testImage(Buffer.alloc(500_000, tag));
        try {
          for (const bytes of image.blobs.values()) {
            const begun = await api.fetch(`/v2/${repository}/blobs/uploads/`, { method: 'POST' });
            const location = begun.headers.get('location') ?? '';
            await api.fetch(location, { method: 'PATCH', body: Buffer.from(bytes) });
            await api.fetch(`${location}?digest=${sha256(bytes)}`, { method: 'PUT' });
          }
          const put = await api.putManifest(repository, tag, image.manifest);
          if (put.status === 201) acknowledged.set(tag, image.digest);
        } catch {
          return;
        }
        if (acknowledged.size >= most) enough();
      }
    });
    await reached;
    await cloud.end('SIGKILL');
    await Promise.all(pushers);
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(9);
});
