import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../src/local-cloud.js';

// Registered when this module is loaded: a hook that another hook registers would never run.
const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Starts a local cloud on free ports in a directory of its own; both go when the test file ends. */
export async function startCloud(options: Partial<LocalCloudOptions> = {}): Promise<LocalCloud> {
  const stateDirectory = options.stateDirectory ?? mkdtempSync(join(tmpdir(), 'local-cloud-'));
  const cloud = await startLocalCloud({
    stateDirectory,
    ports: { http: 0, mqtt: 0, https: 0 },
    ...options,
  });
  closers.push(async () => {
    await cloud.close();
    if (!options.stateDirectory) rmSync(stateDirectory, { recursive: true, force: true });
  });
  return cloud;
}

/** What an AWS SDK client needs to reach the local cloud. */
export function clientConfig(cloud: LocalCloud) {
  return {
    endpoint: cloud.endpointUrl,
    region: cloud.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}
