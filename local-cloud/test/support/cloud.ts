import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../src/local-cloud.js';
import { atEnd } from './at-end.js';

/** Starts a local cloud on free ports in a directory of its own; both go when the test, or the test file, ends. */
export async function startCloud(options: Partial<LocalCloudOptions> = {}): Promise<LocalCloud> {
  const stateDirectory = options.stateDirectory ?? mkdtempSync(join(tmpdir(), 'local-cloud-'));
  // Before it is started, which may fail.
  if (!options.stateDirectory) atEnd(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const cloud = await startLocalCloud({
    stateDirectory,
    ports: { http: 0, mqtt: 0, https: 0 },
    ...options,
  });
  atEnd(() => cloud.close());
  return cloud;
}

/** What an AWS SDK client needs to reach the local cloud. */
export function clientConfig(cloud: Pick<LocalCloud, 'endpointUrl' | 'region'>) {
  return {
    endpoint: cloud.endpointUrl,
    region: cloud.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}
