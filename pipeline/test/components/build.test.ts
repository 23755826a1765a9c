import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { componentNames, containerComponents } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLock } from '../../src/components/base/lock.js';
import { isPinnedBaseMade } from '../../src/components/base/pinned-base.js';
import { type BuildOptions, type BuiltComponent, buildComponents } from '../../src/components/build.js';
import { cacheDirectory } from '../../src/components/cache.js';
import { blobPath, isWhole, readLayout } from '../../src/components/oci.js';
import { repositoryRoot } from '../../src/repository.js';

const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), 'mooring-build-'));
const { led, corrupt, osUpdate } = componentNames;
/** The most that an image may weigh, compressed, in bytes. */
const LIMIT = 80e6;
const userCache = cacheDirectory();

/** The sources, in two folders that are not the repository's. */
const copies = ['one', 'a/further/two'].map((name) => join(root, name, 'components'));
const [copy = '', other = ''] = copies;

beforeAll(async () => {
  process.env.MOORING_CACHE_DIRECTORY = join(root, 'cache');
  for (const folder of copies) {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(join(repositoryRoot, 'components'))) {
      if (name === 'dist' || name === 'node_modules' || name === 'test') continue;
      await cp(join(repositoryRoot, 'components', name), join(folder, name), { recursive: true });
    }
  }
});
afterAll(() => {
  delete process.env.MOORING_CACHE_DIRECTORY;
  rmSync(root, { recursive: true, force: true });
});

interface Outcome {
  readonly built: readonly BuiltComponent[];
  readonly refused: Readonly<Record<string, string>>;
  /** Names of what had to be built. */
  readonly anew: readonly string[];
}

async function build(source: string, options: Partial<BuildOptions> = {}): Promise<Outcome> {
  const refused: Record<string, string> = {};
  const built = await buildComponents({
    source,
    outDir: join(source, '..', 'out'),
    base: 'host',
    builder: 'layers',
    onProgress: () => {},
    onRefused: ({ name, error }) => {
      refused[name] = error.message;
    },
    ...options,
  });
  return { built, refused, anew: built.filter(({ unchanged }) => !unchanged).map(({ name }) => name) };
}

const find = ({ built }: Outcome, name: string) => {
  const found = built.find((component) => component.name === name);
  if (!found) throw new Error(`${name} was not built`);
  return found;
};

const essence = ({ built }: Outcome) =>
  built.map(({ name, contentHash, image }) => [name, contentHash, image?.digest, image?.compressedBytes]);

describe('buildComponents of this machine’s Node.js', () => {
  let first: Outcome;
  beforeAll(async () => {
    first = await build(copy);
  });

  it('builds images and collects files, and refuses what is of two architectures alone', async () => {
    expect(first.built.map(({ name }) => name)).toEqual([
      componentNames.button,
      componentNames.certificateRotator,
      led,
      osUpdate,
    ]);
    expect(Object.keys(first.refused)).toEqual([corrupt]);
    expect(first.refused[corrupt]).toMatch(
      /corrupt\/Dockerfile, line 6: there is no foreign-base\/\w+\/ to copy; .* images are of its architecture only, linux\/\w+; use the base pinned$/,
    );
    for (const { name, image, recipe, recipeVersion } of first.built) {
      expect(recipe).toBe(
        await readFile(join(copy, name === led ? 'led' : folderOf(name), 'recipe.yaml'), 'utf8'),
      );
      expect(recipeVersion).toBe(/^ComponentVersion: "(.*)"$/m.exec(recipe)?.[1]);
      if (!image) continue;
      expect(await isWhole(image.layout, image.digest)).toBe(true);
      for (const bytes of Object.values(image.compressedBytes)) expect(bytes).toBeLessThan(LIMIT);
    }
    const [script] = find(first, osUpdate).artifacts;
    expect(script?.name).toBe('os-update.sh');
    expect(await readFile(script?.path ?? '', 'utf8')).toContain('#!/bin/sh');
  });

  it('gives the same of sources in another folder', async () => {
    expect(essence(await build(other))).toEqual(essence(first));
  });

  it('tells no path of the machine in what it builds', async () => {
    const { image } = find(first, led);
    const { manifests } = await readLayout(image?.layout ?? '');
    const program = manifests[0]?.manifest.layers.at(-1)?.digest ?? '';
    const { stdout } = await run(
      'tar',
      ['--extract', '--gzip', '--to-stdout', '--file', blobPath(image?.layout ?? '', program)],
      {
        maxBuffer: 2 ** 26,
      },
    );
    expect(stdout).toContain('Drives ');
    expect(stdout).not.toContain(repositoryRoot);
    expect(stdout).not.toContain(root);
  });

  it('builds nothing again when nothing changed, not even for a touched file', async () => {
    const main = join(copy, 'led', 'src', 'main.ts');
    await utimes(main, new Date(), new Date());
    const again = await build(copy);
    expect(again.anew).toEqual([]);
    expect(essence(again)).toEqual(essence(first));
  });

  it('builds what a comment changed, and only that', async () => {
    await appendFile(join(other, 'led', 'src', 'main.ts'), '// A comment.\n');
    const changed = await build(other);
    expect(changed.anew).toEqual([led]);
    expect(find(changed, led).contentHash).not.toBe(find(first, led).contentHash);
    // What it does is the same, and so is the image.
    expect(find(changed, led).image).toMatchObject({ digest: find(first, led).image?.digest });
    await appendFile(join(other, 'os-update', 'artifacts', 'os-update.sh'), '# A comment.\n');
    expect((await build(other)).anew).toEqual([osUpdate]);
    await appendFile(join(other, 'runtime', 'src', 'component.ts'), '// A comment.\n');
    expect((await build(other)).anew).toEqual([
      componentNames.button,
      componentNames.certificateRotator,
      led,
    ]);
  });

  it('mends what was damaged', async () => {
    const { image } = find(first, led);
    const { manifests } = await readLayout(image?.layout ?? '');
    await rm(blobPath(image?.layout ?? '', manifests[0]?.manifest.config.digest ?? ''));
    await writeFile(join(copy, '..', 'out', 'stamps', `${componentNames.button}.json`), '{');
    const mended = await build(copy);
    expect(mended.anew).toEqual([componentNames.button, led]);
    expect(essence(mended)).toEqual(essence(first));
  });

  it('builds the corrected docker_corrupt', async () => {
    const dockerfile = join(other, 'corrupt', 'Dockerfile');
    const recipe = join(other, 'corrupt', 'recipe.yaml');
    const text = await readFile(dockerfile, 'utf8');
    await writeFile(dockerfile, text.replace('COPY foreign-base/', 'COPY base/'));
    await writeFile(recipe, (await readFile(recipe, 'utf8')).replace('"1.0.0"', '"1.0.1"'));
    const corrected = await build(other, { only: [corrupt] });
    expect(corrected.refused).toEqual({});
    expect(find(corrected, corrupt)).toMatchObject({ recipeVersion: '1.0.1', unchanged: false });
  });

  it('throws a refusal to whom takes none, after the others are built', async () => {
    const options = {
      outDir: join(root, 'thrown'),
      onProgress: () => {},
      base: 'host',
      builder: 'layers',
    } as const;
    const only = [corrupt, osUpdate];
    await expect(buildComponents({ ...options, source: copy, only })).rejects.toThrow('foreign-base');
    expect(existsSync(join(options.outDir, 'artifacts', osUpdate, 'os-update.sh'))).toBe(true);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(build(copy, { outDir: join(root, 'stopped'), signal, only: [led] })).rejects.toThrow(
      'enough',
    );
  });
});

function folderOf(name: string): string {
  return (
    { [componentNames.button]: 'button', [componentNames.certificateRotator]: 'certificate-rotator' }[name] ??
    'os-update'
  );
}

describe('buildComponents of sources that are wrong', () => {
  it.each([
    [
      'an unknown name',
      ['nothing'],
      () => Promise.resolve(),
      /^There is no component nothing in .*docker_led/,
    ],
    [
      'a program that is none',
      [led],
      (folder: string) => writeFile(join(folder, 'led', 'src', 'main.ts'), 'import "./nowhere.js";'),
      /^The program of docker_led cannot be bundled: .*nowhere\.js/s,
    ],
    [
      'a recipe that is none',
      [led],
      (folder: string) => writeFile(join(folder, 'led', 'recipe.yaml'), 'ComponentName: x\n'),
      /led\/recipe\.yaml is no recipe: /,
    ],
    [
      'a recipe without an image',
      [led],
      (folder: string) => rm(join(folder, 'led', 'Dockerfile')),
      /artifact docker:IMAGE_URI, and there is no .*led\/Dockerfile/,
    ],
    [
      'an artifact that is not there',
      [osUpdate],
      (folder: string) => rm(join(folder, 'os-update', 'artifacts', 'os-update.sh')),
      /has the artifact os-update\.sh, and there is no /,
    ],
  ])('names %s', async (_, only, spoil, says) => {
    const folder = join(mkdtempSync(join(root, 'wrong-')), 'components');
    await cp(copy, folder, { recursive: true });
    await spoil(folder);
    const failing = buildComponents({
      source: folder,
      outDir: join(folder, '..', 'out'),
      base: 'host',
      builder: 'layers',
      only,
      onProgress: () => {},
    });
    await expect(failing).rejects.toThrow(says);
  });
});

/** Tests fetch nothing. */
const fetched = await isPinnedBaseMade(await readLock(), userCache);

describe.runIf(fetched)(
  `buildComponents of the pinned base${fetched ? '' : ' (skipped: it was never fetched here)'}`,
  () => {
    it('makes images for both platforms that are small', async () => {
      process.env.MOORING_CACHE_DIRECTORY = userCache;
      try {
        const outcome = await build(copy, { base: 'pinned', outDir: join(root, 'pinned') });
        expect(outcome.refused).toEqual({});
        for (const name of containerComponents) {
          const { image } = find(outcome, name);
          expect(image?.platforms).toEqual(['linux/amd64', 'linux/arm64']);
          for (const bytes of Object.values(image?.compressedBytes ?? {})) expect(bytes).toBeLessThan(LIMIT);
        }
        // What the wrong image holds is of the other architecture, and says that it is of this one.
        const layers = async (name: string) => {
          const { manifests } = await readLayout(find(outcome, name).image?.layout ?? '');
          return manifests.map(({ manifest }) => manifest.layers[0]?.digest);
        };
        expect(await layers(corrupt)).toEqual((await layers(led)).reverse());
        const shared = await stat(
          blobPath(find(outcome, led).image?.layout ?? '', (await layers(led))[0] ?? ''),
        );
        expect(shared.size).toBeGreaterThan(10e6);
      } finally {
        process.env.MOORING_CACHE_DIRECTORY = join(root, 'cache');
      }
    });
  },
);
