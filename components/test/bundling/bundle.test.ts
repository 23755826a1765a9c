import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { componentNames, topics } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, BundleError, bundleComponents } from '../../bundle.js';
import { recipeOf } from '../support/core-device.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const components = resolve(import.meta.dirname, '..', '..');

/** Every file below a folder with the hash of its content. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      files.sort().map(async (file) => {
        const hash = createHash('sha256')
          .update(await readFile(file))
          .digest('hex');
        return [file.slice(folder.length), hash] as const;
      }),
    ),
  );
}

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; one that hangs is killed. */
function command(...args: string[]): Promise<Run> {
  const file = join(components, 'dist', 'bundle.js');
  const limits = { timeout: 50_000, killSignal: 'SIGKILL' } as const;
  return new Promise((done) => {
    execFile(process.execPath, [file, ...args], limits, (error, stdout, stderr) => {
      done({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** Made once for all tests; one that changes it mends it again. */
let one: string;
let bundle: Bundle;

beforeAll(async () => {
  one = await mkdtemp(join(tmpdir(), 'mooring-bundle-'));
  bundle = await bundleComponents({ outDir: one });
});
afterAll(() => rm(one, { recursive: true, force: true }));

describe('bundleComponents', () => {
  it('gives the recipes and artifacts that a local deployment takes, the same in any process', async () => {
    expect(bundle).toEqual({
      recipeDir: join(one, 'recipes'),
      artifactDir: join(one, 'artifacts'),
      components: [
        { name: componentNames.led, version: '1.0.0' },
        { name: componentNames.button, version: '1.0.0' },
      ],
    });
    const two = await temporaryFolder();
    const { status, stdout } = await command('--out', two, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...bundle,
      recipeDir: join(two, 'recipes'),
      artifactDir: join(two, 'artifacts'),
    });
    const content = await contentOf(one);
    expect(await contentOf(two)).toEqual(content);
    for (const name of Object.values(componentNames)) {
      const artifacts = `/artifacts/${name}/1.0.0`;
      expect(Object.keys(content).filter((file) => file.startsWith(artifacts))).toEqual([
        expect.stringMatching(/\/aws-crt-linux-(x64|arm64)-(glibc|musl)\.node$/),
        `${artifacts}/main.cjs`,
      ]);
      expect(await readFile(join(one, artifacts, 'main.cjs'), 'utf8')).not.toContain(
        resolve(components, '..'),
      );
    }
  });

  it('leaves alone what would come out the same, and mends what was changed', async () => {
    const outDir = one;
    const led = join(outDir, 'artifacts', componentNames.led, '1.0.0', 'main.cjs');
    const button = join(outDir, 'artifacts', componentNames.button, '1.0.0', 'main.cjs');
    const made = [await stat(led), await stat(button)].map(({ mtimeMs, ino }) => ({ mtimeMs, ino }));
    const content = await contentOf(outDir);
    await bundleComponents({ outDir });
    expect([await stat(led), await stat(button)].map(({ mtimeMs, ino }) => ({ mtimeMs, ino }))).toEqual(made);
    await writeFile(led, 'broken');
    await writeFile(join(outDir, '.stamps', 'button.json'), '{');
    await bundleComponents({ outDir });
    expect(await contentOf(outDir)).toEqual(content);
  });

  it('names the bucket, and brings the binaries of the platforms, that it is told', async () => {
    const outDir = await temporaryFolder();
    const inBucket = await bundleComponents({
      outDir,
      bucket: 'artifacts-1',
      platforms: ['linux-x64-glibc', 'linux-arm64-glibc'],
    });
    for (const name of Object.values(componentNames)) {
      const there = await readdir(join(inBucket.artifactDir, name, '1.0.0'));
      const recipe = await recipeOf(inBucket, name);
      const named = recipe.Manifests.flatMap(({ Artifacts }) => Artifacts.map(({ URI }) => URI));
      const prefix = `s3://artifacts-1/${name}/1.0.0/`;
      expect(new Set(named)).toEqual(new Set(there.map((file) => prefix + file)));
      expect(recipe.Manifests.map(({ Platform }) => Platform)).toEqual([
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: 'aarch64' },
      ]);
    }
  });

  it('says where it cannot write', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const failure = bundleComponents({ outDir: join(file, 'out') });
    await expect(failure).rejects.toThrow(BundleError);
    await expect(failure).rejects.toThrow(`The components cannot be bundled into ${join(file, 'out')}`);
  });
});

describe('the recipes', () => {
  it('allow the topics that each component uses, and no others', async () => {
    const allowed = async (name: string) => {
      const { accessControl } = (await recipeOf(bundle, name)).ComponentConfiguration.DefaultConfiguration;
      const text = JSON.stringify(accessControl);
      return [...text.matchAll(/"resources":(\[[^\]]*\])/g)].flatMap(([, list = '[]']) => JSON.parse(list));
    };
    /** A wildcard where the thing's name stands: recipe variables are not replaced there by default. */
    const ofAnyThing = (topic: string) => topic.replace('/THING/', '/+/');
    expect(await allowed(componentNames.led)).toEqual([
      topics.localButton(),
      ...[topics.setFrequency, topics.frequency, topics.button].map((topic) => ofAnyThing(topic('THING'))),
    ]);
    expect(await allowed(componentNames.button)).toEqual([topics.localButton()]);
  });
});

describe('the bundle command', () => {
  it.concurrent.each([
    [[], 2, 'Say where to write, with --out DIR'],
    [['--out'], 2, '--out'],
    [
      ['--out', 'x', '--platform', 'win32-x64'],
      2,
      'There is no platform win32-x64; there are linux-x64-glibc',
    ],
    [['--nonsense'], 2, '--nonsense'],
    [['--out', '/dev/null/x'], 1, 'The components cannot be bundled into /dev/null/x'],
    // Where the kernel makes no folders, and Node's recursive mkdir never returns.
    [['--out', '/proc/nowhere/x'], 1, 'The components cannot be bundled into /proc/nowhere/x'],
  ])('answers %j with a clear word', async (args, code, says) => {
    const { status, stdout, stderr } = await command(...args);
    expect(status).toBe(code);
    expect(stdout).toBe('');
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
