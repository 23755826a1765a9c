import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionEntries } from '@mooring/functions';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleFunction, bundleFunctions } from '../../src/functions/bundle.js';

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
