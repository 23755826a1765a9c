import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { names } from '@mooring/contracts';
import { functionEntries } from '@mooring/functions';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bundleFunction, bundleFunctions } from '../../src/functions/bundle.js';
import { repositoryBundles } from '../../src/functions/cached-bundles.js';

const directory = mkdtempSync(join(tmpdir(), 'mooring-bundle-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('bundleFunction', () => {
  it('gives the same bytes for the same sources, wherever they are, and names them by their SHA-256', async () => {
    const source = 'export const handler = async (event) => ({ echo: event });\n';
    const entry = join(directory, 'entry.js');
    const elsewhere = join(mkdtempSync(join(directory, 'deeper-')), 'entry.js');
    writeFileSync(entry, source);
    writeFileSync(elsewhere, source);
    const first = await bundleFunction('f', entry);
    const second = await bundleFunction('f', elsewhere);
    expect(Buffer.compare(first.zip, second.zip)).toBe(0);
    expect(first.sha256).toBe(createHash('sha256').update(first.zip).digest('hex'));
    writeFileSync(entry, source.replace('echo', 'reply'));
    expect((await bundleFunction('f', entry)).sha256).not.toBe(first.sha256);
  });

  it('names the function and the error when it cannot be bundled', async () => {
    const entry = join(directory, 'broken.js');
    writeFileSync(entry, "import './missing.js';\n");
    await expect(bundleFunction('broken', entry)).rejects.toThrow(
      /The function broken cannot be bundled: .*missing\.js/s,
    );
  });
});

describe('bundleFunctions', () => {
  it('packs each function of this repository into one file that exports a handler', async () => {
    const bundles = await bundleFunctions(functionEntries);
    expect(bundles.map(({ name }) => name)).toEqual(Object.keys(functionEntries));
    for (const { name, zip } of bundles) {
      const files = unzipSync(zip);
      expect(Object.keys(files)).toEqual(['index.js']);
      const script = join(directory, `${name}.cjs`);
      writeFileSync(script, strFromU8(files['index.js'] ?? new Uint8Array()));
      const loaded: unknown = createRequire(import.meta.url)(script);
      expect(loaded).toHaveProperty('handler', expect.any(Function));
    }
  });
});

describe('repositoryBundles', () => {
  it('bundles once, and then takes what it kept, unless that is damaged', async () => {
    vi.stubEnv('MOORING_CACHE_DIRECTORY', join(directory, 'cache'));
    const made = await repositoryBundles();
    const [folder = ''] = readdirSync(join(directory, 'cache', 'functions'));
    const file = join(directory, 'cache', 'functions', folder, `${names.csrFunction}.zip`);
    const kept = readFileSync(file);
    expect((await repositoryBundles()).map(({ sha256 }) => sha256)).toEqual(made.map(({ sha256 }) => sha256));
    writeFileSync(file, 'damaged');
    expect((await repositoryBundles()).map(({ sha256 }) => sha256)).toEqual(made.map(({ sha256 }) => sha256));
    expect(readFileSync(file)).toEqual(kept);
    vi.unstubAllEnvs();
  });
});
