import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reportOf, scanDependencies } from '../../src/scan/dependencies.js';

const folder = mkdtempSync(join(tmpdir(), 'mooring-audit-'));
let registry: Server;
/** What the registry answers when it is asked for advisories; undefined: it does not take the question. */
let advisories: Record<string, object[]> | undefined;

const advisory = (name: string, severity: string) => ({
  [name]: [
    {
      id: 1,
      url: `https://advisories.example/${name}`,
      title: `${name} is broken`,
      severity,
      vulnerable_versions: '<2.0.0',
      cwe: [],
      cvss: { score: 0, vectorString: null },
    },
  ],
});

/** Scans a folder with a lock file; npm has kept nothing of what it was told before. */
function scan() {
  const root = mkdtempSync(join(folder, 'repository-'));
  const { port } = registry.address() as AddressInfo;
  const dependencies = { shipped: '1.0.0' };
  const devDependencies = { tool: '1.0.0' };
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'a', dependencies, devDependencies }));
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({
      name: 'a',
      lockfileVersion: 3,
      packages: {
        '': { name: 'a', dependencies, devDependencies },
        'node_modules/shipped': { version: '1.0.0' },
        'node_modules/tool': { version: '1.0.0', dev: true },
      },
    }),
  );
  return scanDependencies(root, {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: join(root, 'cache'),
  });
}

beforeAll(async () => {
  registry = createServer((request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    request.resume();
    if (request.method === 'POST') {
      if (advisories === undefined) answer(405, {});
      else answer(200, advisories);
      return;
    }
    const name = (request.url ?? '').slice(1);
    const version = { name, version: '1.0.0', dist: { tarball: 'http://127.0.0.1/none.tgz' } };
    answer(200, { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } });
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await new Promise((resolve) => registry.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

test('finds what is highly vulnerable of the packages that are shipped', async () => {
  advisories = advisory('shipped', 'high');
  const { findings, unavailable } = await scan();
  expect(unavailable).toBeUndefined();
  expect(findings).toEqual([
    {
      where: 'shipped *',
      what: 'high: shipped is broken (https://advisories.example/shipped)',
    },
  ]);
});

test('lets pass what is less severe', async () => {
  advisories = advisory('shipped', 'moderate');
  expect(await scan()).toEqual({
    scan: 'dependencies',
    looked: expect.stringMatching(/^\d+ packages$/),
    findings: [],
  });
});

test('says that the registry cannot be asked', async () => {
  advisories = undefined;
  const { unavailable, findings } = await scan();
  expect(findings).toEqual([]);
  expect(unavailable).toContain('405 Method Not Allowed');
});

test('whatever npm writes that is no report is not taken for one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (output) => {
      const { findings, unavailable } = reportOf(output);
      expect(findings).toEqual([]);
      expect(unavailable).toBeTruthy();
    }),
  );
});
