import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageStore } from '../../src/containers/image-store.js';
import { ProcessImages } from '../../src/containers/process-images.js';
import { parseReference } from '../../src/containers/reference.js';
import type { RegistryLogin } from '../../src/containers/registry-client.js';
import { HastyClock, temporaryFolder } from '../support/fixtures.js';
import { HERE, type Member, TestRegistry } from '../support/images.js';

const signal = new AbortController().signal;

function setUp(options: { folder?: string; root?: string; login?: RegistryLogin } = {}) {
  const folder = options.folder ?? join(temporaryFolder(), 'store');
  const store = new ImageStore(folder, options.root ?? temporaryFolder());
  const said: string[] = [];
  const images = new ProcessImages({
    store,
    login: () => Promise.resolve(options.login),
    clock: new HastyClock(),
    log: (level, message) => said.push(`${level} ${message}`),
  });
  const rootOf = (reference: string) => {
    const image = store.find(parseReference(reference));
    if (!image) throw new Error(`${reference} is not there`);
    return store.rootOf(image);
  };
  return { store, images, said, rootOf, folder };
}

const OTHER = { os: 'linux', architecture: HERE.architecture === 'arm64' ? 'amd64' : 'arm64' };
const file = (name: string, content = name): Member => ({ name, content });

describe('images without an engine', () => {
  it('are taken for this platform, laid layer on layer, and found again by digest', async () => {
    const registry = await TestRegistry.start();
    const { images, rootOf, store } = setUp();
    const reference = await registry.addIndex('app', [
      { platform: OTHER, layers: [[file('other')]] },
      {
        platform: { ...HERE, ...(HERE.architecture === 'arm64' && { variant: 'v8' }) },
        layers: [
          [
            { name: 'etc/', folder: true },
            file('etc/a'),
            file('etc/b'),
            file('keep/lower'),
            file('gone/deep/x'),
            { name: 'bin/tool', content: '#!/bin/sh\n', mode: 0o4755 },
          ],
          [
            file('etc/a', 'new'),
            file('etc/.wh.b', ''),
            file('keep/upper'),
            file('keep/.wh..wh..opq', ''),
            file('.wh.gone', ''),
            { name: 'bin/same', hardLink: 'bin/tool' },
            { name: 'bin/link', link: '/bin/tool' },
          ],
        ],
      },
    ]);
    expect(await images.isPresent(reference)).toBe(false);
    await images.pull(reference, signal);
    expect(await images.isPresent(reference)).toBe(true);
    const root = rootOf(reference);
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(
      ['bin', 'bin/link', 'bin/same', 'bin/tool', 'etc', 'etc/a', 'keep', 'keep/upper'].sort(),
    );
    expect(readFileSync(join(root, 'etc/a'), 'utf8')).toBe('new');
    expect(readlinkSync(join(root, 'bin/link'))).toBe('tool');
    // Set-user-id bits have no business in this machine's own file system.
    expect(statSync(join(root, 'bin/tool')).mode & 0o7777).toBe(0o755);
    const asked = registry.requests.length;
    await images.pull(reference, signal);
    expect(registry.requests).toHaveLength(asked);
    await images.prune([reference]);
    expect(await images.isPresent(reference)).toBe(true);
    await images.prune([]);
    expect(await images.isPresent(reference)).toBe(false);
    expect(readdirSync(join(store.folder, 'layers'))).toEqual([]);
  });

  it('are refused when there is none for this platform; a plain manifest is taken whatever it is for', async () => {
    const registry = await TestRegistry.start();
    const { images, said } = setUp();
    const index = await registry.addIndex('app', [{ platform: OTHER, layers: [[file('x')]] }]);
    await expect(images.pull(index, signal)).rejects.toMatchObject({
      code: 'ARTIFACT_INVALID',
      message: expect.stringContaining(
        `has no image for linux/${HERE.architecture}; it has linux/${OTHER.architecture}.`,
      ),
    });
    const plain = await registry.add('app', { platform: OTHER, layers: [[file('x')]] });
    await images.pull(plain, signal);
    expect(
      said.some((line) => line.startsWith('warn') && line.includes(`is for linux/${OTHER.architecture}`)),
    ).toBe(true);
  });

  it.each([
    ['basic', 'Basic '],
    ['bearer', 'Bearer granted'],
  ] as const)('are fetched with %s authorization', async (scheme, start) => {
    const registry = await TestRegistry.start();
    registry.auth = { ...registry.auth, scheme };
    const reference = await registry.add('app', { layers: [[file('x')]] });
    await expect(setUp().images.pull(reference, signal)).rejects.toThrow(/lets this device not have/);
    const { images } = setUp({ login: registry.auth });
    await images.pull(reference, signal);
    expect(registry.requests.at(-1)?.authorization).toContain(start);
  });

  it('are downloaded on from where the connection broke', async () => {
    const registry = await TestRegistry.start();
    const reference = await registry.add('app', {
      layers: [[file('big', Array.from({ length: 5_000 }, (_, n) => `${n * 7919}`).join())]],
      compress: (archive) => archive,
    });
    let cuts = 0;
    registry.interfere = (digest, from) => {
      const blob = registry.blobs.get(digest) ?? Buffer.alloc(0);
      if (blob.length < 1_000 || cuts === 2) return undefined;
      cuts += 1;
      return blob.subarray(from, from + 10_000);
    };
    const { images, folder } = setUp();
    const arrived = () =>
      readdirSync(join(folder, 'downloads')).map((name) => statSync(join(folder, 'downloads', name)).size)[0];
    // Each part is on the disk before the connection breaks.
    registry.hold = async () => {
      while (arrived() !== cuts * 10_000) await new Promise((wait) => setTimeout(wait, 5));
    };
    await images.pull(reference, signal);
    const resumed = registry.requests.flatMap(({ range }) => (range === undefined ? [] : [range]));
    expect(resumed).toEqual(['bytes=10000-', 'bytes=20000-']);
    expect(readdirSync(join(folder, 'downloads'))).toEqual([]);
  });

  it('are given up when a layer is not what its digest says, or unpacks to something else', async () => {
    const registry = await TestRegistry.start();
    const reference = await registry.add('app', { layers: [[file('x')]] });
    const { images, folder } = setUp();
    for (const [digest, blob] of registry.blobs) {
      if (blob.readUInt16BE(0) !== 0x1f8b) continue;
      const bad = Buffer.from(blob);
      bad[blob.length - 1] = (bad[blob.length - 1] ?? 0) ^ 1;
      registry.blobs.set(digest, bad);
    }
    await expect(images.pull(reference, signal)).rejects.toThrow(/A layer of .* is damaged/);
    expect(readdirSync(join(folder, 'downloads'))).toEqual([]);
    expect(readdirSync(join(folder, 'layers'))).toEqual([]);
    const zstd = await registry.add('app', {
      layers: [[file('x')]],
      compress: () => Buffer.from('28b52ffd00', 'hex'),
    });
    await expect(images.pull(zstd, signal)).rejects.toThrow('compressed with zstd, which is not built');
    const lying = await registry.add('app', { layers: [[file('x')]], compress: () => Buffer.alloc(1024) });
    await expect(images.pull(lying, signal)).rejects.toThrow(
      /unpacks to sha256:.*, but its configuration says/,
    );
  });

  it('never reach out of their folder', async () => {
    const registry = await TestRegistry.start();
    const { images, rootOf, folder } = setUp();
    const outside = join(temporaryFolder(), 'outside');
    const reference = await registry.add('app', {
      layers: [
        [
          file('../../../escape'),
          file('/absolute'),
          { name: 'out', link: `../../../../../../../..${outside}` },
          { name: 'up', link: '..' },
          { name: 'sly', link: 'a/b/c/../../../../..' },
          file('out/written'),
          file('up/written-up'),
          { name: 'a/b/', folder: true },
          { name: 'a/b/c', link: '/' },
        ],
      ],
    });
    await images.pull(reference, signal);
    const root = rootOf(reference);
    expect(existsSync(outside)).toBe(false);
    expect(existsSync(join(folder, 'layers', 'escape'))).toBe(false);
    expect(lstatSync(join(root, 'escape')).isFile()).toBe(true);
    expect(lstatSync(join(root, 'absolute')).isFile()).toBe(true);
    expect(existsSync(join(root, 'written-up'))).toBe(true);
    for (const name of ['up', 'sly', 'a/b/c']) {
      expect(readdirSync(join(root, name))).toEqual(readdirSync(root));
    }
    const bad = await registry.add('app', { layers: [[{ name: 'x', hardLink: '../../etc/passwd' }]] });
    await expect(images.pull(bad, signal)).rejects.toThrow(/is a hard link to .*, which is not there/);
  });

  it('are unpacked once for devices that share a store, and kept while one needs them', async () => {
    const registry = await TestRegistry.start();
    const base: Member[] = [file('base')];
    const one = await registry.add('one', { layers: [base, [file('one')]] });
    const two = await registry.add('two', { layers: [base, [file('two')]] });
    const folder = join(temporaryFolder(), 'store');
    const devices = [setUp({ folder }), setUp({ folder })] as const;
    await Promise.all(devices.flatMap(({ images }) => [images.pull(one, signal), images.pull(two, signal)]));
    const blobs = registry.requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path);
    const layerRequests = blobs.filter((path) => {
      const blob = registry.blobs.get(path.split('/').at(-1) ?? '');
      return blob?.readUInt16BE(0) === 0x1f8b;
    });
    expect(new Set(layerRequests.map((path) => path.split('/').at(-1))).size).toBe(3);
    expect(layerRequests).toHaveLength(3);
    expect(statSync(join(devices[0].rootOf(one), 'base')).ino).toBe(
      statSync(join(devices[1].rootOf(two), 'base')).ino,
    );
    await devices[0].images.prune([one]);
    expect(await devices[1].images.isPresent(two)).toBe(true);
    await devices[1].images.prune([]);
    expect(await devices[0].images.isPresent(two)).toBe(false);
    expect(await devices[0].images.isPresent(one)).toBe(true);
  });

  it('forget what a killed process left half made', async () => {
    const { store } = setUp();
    const dead = 'x.999999-1-1.partial';
    writeFileSync(join(store.folder, 'making', dead), '');
    await store.tidy();
    expect(readdirSync(join(store.folder, 'making'))).toEqual([]);
  });
});
