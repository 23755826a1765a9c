import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { maxSatisfying, satisfies } from 'semver';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DataPlane } from '../../src/cloud/data-plane.js';
import { statusDetailsOf } from '../../src/cloud/status-details.js';
import type { ComponentSpec } from '../../src/component/spec.js';
import type { ContainerImages } from '../../src/containers/images.js';
import { download } from '../../src/deployment/artifacts/download.js';
import { type ArtifactAccess, prepareArtifacts } from '../../src/deployment/artifacts/prepare.js';
import { S3Artifacts } from '../../src/deployment/artifacts/s3-source.js';
import { type ArtifactContent, OfflineError } from '../../src/deployment/artifacts/source.js';
import { parseCloudDocument, parseUpdate } from '../../src/deployment/document.js';
import { DeploymentError } from '../../src/deployment/failure.js';
import { type Deployment, DeploymentJournal, type Report } from '../../src/deployment/journal.js';
import {
  applyPackageChanges,
  PackageStaging,
  revertPackageChanges,
} from '../../src/deployment/package-changes.js';
import { PackageOverlay } from '../../src/deployment/package-overlay.js';
import { planDeployment } from '../../src/deployment/plan.js';
import { configurationOf } from '../../src/deployment/target.js';
import { DeviceError } from '../../src/errors.js';
import { makeLayout } from '../../src/layout.js';
import { parseLifecycle } from '../../src/recipe/lifecycle.js';
import { parseRecipe, type Recipe } from '../../src/recipe/recipe.js';
import { resolveComponents } from '../../src/recipe/resolution.js';
import { RecipeStore } from '../../src/recipe/store.js';
import { HastyClock, temporaryFolder } from '../support/fixtures.js';

function spec(
  name: string,
  more: Partial<ComponentSpec> & { scripts?: Record<string, string> } = {},
): ComponentSpec {
  return {
    name,
    version: '1.0.0',
    dependencies: {},
    configuration: {},
    lifecycle: parseLifecycle(more.scripts ?? { run: 'x' }, name),
    isBuiltIn: false,
    artifacts: [],
    artifactsDigest: '',
    variables: { self: name, thingName: 'T', rootPath: '/', component: () => undefined },
    ...more,
  };
}

const NOTHING = { stopped: [], removed: [], bootstraps: [], reinstalled: [], restarted: [] };

describe('the plan of a deployment', () => {
  const a = spec('a', { dependencies: { b: 'HARD' } });
  const b = spec('b');

  it('installs what is new, dependencies first', () => {
    expect(planDeployment([], [a, b])).toEqual({ ...NOTHING, reinstalled: ['b', 'a'] });
  });

  it('changes nothing when nothing changes', () => {
    expect(planDeployment([a, b], [b, a])).toEqual(NOTHING);
  });

  it('removes dependents first', () => {
    expect(planDeployment([a, b], [])).toEqual({ ...NOTHING, stopped: ['a', 'b'], removed: ['a', 'b'] });
  });

  it('reinstalls for a version, an artifact or an install script, restarts for another script or another user', () => {
    const replaced = { ...NOTHING, stopped: ['b'], reinstalled: ['b'] };
    expect(planDeployment([b], [spec('b', { version: '2.0.0' })])).toEqual(replaced);
    expect(planDeployment([b], [spec('b', { artifactsDigest: 'x' })])).toEqual(replaced);
    expect(planDeployment([b], [spec('b', { scripts: { run: 'x', install: 'y' } })])).toEqual(replaced);
    const restarted = { ...NOTHING, restarted: ['b'] };
    expect(planDeployment([b], [spec('b', { scripts: { run: 'z' } })])).toEqual(restarted);
    expect(planDeployment([b], [spec('b', { runWith: { posixUser: 'u' } })])).toEqual(restarted);
    expect(planDeployment([b], [spec('b', { configuration: { x: 1 } })])).toEqual(NOTHING);
  });

  it('reinstalls what is broken, and bootstraps only what is new', () => {
    const withBootstrap = spec('b', { scripts: { bootstrap: 'y' } });
    expect(planDeployment([], [withBootstrap])).toEqual({
      ...NOTHING,
      bootstraps: ['b'],
      reinstalled: ['b'],
    });
    expect(planDeployment([withBootstrap], [withBootstrap], new Set(['b']))).toEqual({
      ...NOTHING,
      stopped: ['b'],
      reinstalled: ['b'],
    });
  });

  it('keeps its invariants for any two sets', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const set = fc.uniqueArray(
      fc.record({
        index: fc.nat({ max: 4 }),
        major: fc.integer({ min: 1, max: 2 }),
        needs: fc.array(fc.nat({ max: 4 })),
      }),
      { selector: ({ index }) => index },
    );
    const specsOf = (members: { index: number; major: number; needs: number[] }[]) =>
      members.map(({ index, major, needs }) =>
        spec(names[index] ?? '', {
          version: `${major}.0.0`,
          dependencies: Object.fromEntries(
            needs.filter((need) => need > index).map((need) => [names[need] ?? '', 'HARD' as const]),
          ),
        }),
      );
    fc.assert(
      fc.property(set, set, (from, to) => {
        const current = specsOf(from);
        const target = specsOf(to);
        const { stopped, removed, reinstalled } = planDeployment(current, target);
        for (const { name, version } of current) {
          const next = target.find((other) => other.name === name);
          expect(stopped.includes(name)).toBe(next?.version !== version);
          expect(removed.includes(name)).toBe(next === undefined);
        }
        for (const { name, version, dependencies } of target) {
          const isNew = current.find((other) => other.name === name)?.version !== version;
          expect(reinstalled.includes(name)).toBe(isNew);
          for (const dependency of Object.keys(dependencies)) {
            if (isNew && reinstalled.includes(dependency)) {
              expect(reinstalled.indexOf(dependency)).toBeLessThan(reinstalled.indexOf(name));
            }
          }
        }
      }),
    );
  });
});

function recipe(name: string, version: string, dependencies: Record<string, string> = {}): Recipe {
  return parseRecipe(
    JSON.stringify({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: name,
      ComponentVersion: version,
      ComponentDependencies: Object.fromEntries(
        Object.entries(dependencies).map(([key, VersionRequirement]) => [key, { VersionRequirement }]),
      ),
      ComponentConfiguration: { DefaultConfiguration: { a: 1, list: [1, 2], deep: { x: 1, y: 2 } } },
    }),
    name,
  );
}

describe('the resolution of components', () => {
  const resolve = async (roots: Record<string, string>, recipes: Recipe[]) => {
    const resolved = await resolveComponents({
      roots: new Map(Object.entries(roots).map(([name, range]) => [name, [{ range, by: 'group' }]])),
      candidate: (name, requirements) => {
        const versions = recipes.filter((candidate) => candidate.name === name);
        const fitting = versions.filter(({ version }) =>
          requirements.every(({ range }) => satisfies(version, range)),
        );
        const best = maxSatisfying(
          fitting.map(({ version }) => version),
          '*',
          { includePrerelease: true },
        );
        const found = fitting.find(({ version }) => version === best);
        const wishes = requirements.map(({ range, by }) => `${range} for ${by}`).join(', ');
        return found ? Promise.resolve(found) : Promise.reject(new Error(`no ${name}: ${wishes}`));
      },
    });
    return [...resolved.values()].map(({ name, version }) => `${name} ${version}`);
  };

  it('takes versions that everyone accepts, dependencies first', async () => {
    const recipes = [
      recipe('a', '1.0.0', { c: '^1.0.0' }),
      recipe('b', '1.0.0', { c: '<1.2.0' }),
      ...['1.0.0', '1.1.0', '1.2.0', '2.0.0', '1.1.5-beta'].map((version) => recipe('c', version)),
    ];
    expect(await resolve({ a: '1.0.0', b: '1.0.0' }, recipes)).toEqual(['c 1.1.0', 'a 1.0.0', 'b 1.0.0']);
    expect(await resolve({ c: '>=1.1.5-alpha <1.2.0' }, recipes)).toEqual(['c 1.1.5-beta']);
  });

  it('tells who wants what, and what goes in a circle', async () => {
    const recipes = [
      recipe('a', '1.0.0', { b: '^2.0.0' }),
      recipe('b', '1.0.0'),
      recipe('x', '1.0.0', { y: '*' }),
      recipe('y', '1.0.0', { x: '*' }),
    ];
    await expect(resolve({ a: '1.0.0', b: '1.0.0' }, recipes)).rejects.toThrow(
      'no b: ^2.0.0 for a, 1.0.0 for group',
    );
    await expect(resolve({ x: '1.0.0' }, recipes)).rejects.toThrow(/in a circle: x → y → x/);
  });
});

describe('configuration updates', () => {
  const r = recipe('c', '1.0.0');
  it('keeps what was set, adds new defaults, resets, then merges', () => {
    expect(configurationOf(r, { a: 5, deep: { y: 9 } }, undefined)).toEqual({
      a: 5,
      list: [1, 2],
      deep: { x: 1, y: 9 },
    });
    expect(
      configurationOf(
        r,
        { a: 5, own: 1, deep: { y: 9 } },
        { reset: ['/a', '/own', '/deep'], merge: { list: [3] } },
      ),
    ).toEqual({ a: 1, list: [3], deep: { x: 1, y: 2 } });
    expect(configurationOf(r, { a: 5, own: 1 }, parseUpdate('c', { reset: [''] }))).toEqual({
      a: 1,
      list: [1, 2],
      deep: { x: 1, y: 2 },
    });
  });
  it.each([[{ MERGE: 1 }], [{ NO: {} }], [[]], ['x'], [{ RESET: ['a'] }]])('refuses %j', (update) => {
    expect(() => configurationOf(r, {}, parseUpdate('c', update))).toThrow(
      /configuration update of c|no JSON pointer/,
    );
  });
});

describe('the package store', () => {
  const store = () => {
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    const staging = new PackageStaging(join(layout.root, 'packages', 'staging'));
    const recipes = new RecipeStore(layout.recipes);
    return { layout, staging, overlay: new PackageOverlay(layout, recipes, staging) };
  };
  const folder = (files: Record<string, string | Uint8Array>) => {
    const source = temporaryFolder();
    mkdirSync(join(source, 'c', '1.0.0'), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(source, 'c', '1.0.0', name), content);
    }
    return source;
  };

  it('exchanges what takes the place of something, back and forth, from wherever it was cut off', () => {
    const { layout, staging, overlay } = store();
    const path = layout.artifacts('c', '1.0.0');
    overlay.importArtifacts(folder({ file: 'old', gone: 'x' }));
    applyPackageChanges(staging.changes);
    staging.clear();
    overlay.importArtifacts(folder({ file: 'new' }));
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('old');
    const { changes } = staging;
    applyPackageChanges(changes);
    applyPackageChanges(changes);
    expect(readdirSync(path)).toEqual(['file']);
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('new');
    revertPackageChanges(changes);
    revertPackageChanges(changes);
    expect(readdirSync(path).sort()).toEqual(['file', 'gone']);
    staging.clear();
    // Cut off between the two renames of an exchange.
    overlay.importArtifacts(folder({ file: 'newer' }));
    const [change] = staging.changes.filter((each) => each.path === path);
    if (!change) throw new Error('nothing is staged');
    renameSync(path, change.old);
    applyPackageChanges(staging.changes);
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('newer');
  });

  it('stages nothing for artifacts that are there already', () => {
    const { staging, overlay } = store();
    overlay.importArtifacts(folder({ file: 'same' }));
    applyPackageChanges(staging.changes);
    staging.clear();
    overlay.importArtifacts(folder({ file: 'same' }));
    expect(staging.changes).toEqual([]);
  });
});

describe('artifacts', () => {
  const artifact = (Uri: string, more: object = {}) => ({ Uri, Unarchive: 'NONE' as const, ...more });
  const access = (images?: Partial<ContainerImages>): ArtifactAccess => {
    const log = () => {};
    const clock = new HastyClock();
    const nobody = () => Promise.reject(new DeviceError('OFFLINE', 'no network'));
    return {
      dataPlane: { artifactUrl: nobody } as unknown as DataPlane,
      s3: new S3Artifacts({ region: 'eu-west-1', credentials: nobody }),
      images: {
        engine: 'process',
        isPresent: () => Promise.resolve(false),
        pull: () => Promise.resolve(),
        prune: () => Promise.resolve(),
        ...images,
      },
      clock,
      log,
    };
  };
  const prepare = async (
    files: Record<string, Uint8Array | string>,
    artifacts: ComponentSpec['artifacts'],
    images?: Partial<ContainerImages>,
  ) => {
    const folder = temporaryFolder();
    const unarchivedFolder = temporaryFolder();
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const owner = { name: 'c', version: '1.0.0', arn: undefined, artifacts, folder, unarchivedFolder };
    const { signal } = new AbortController();
    await prepareArtifacts(owner, access(images), { attempts: 2, signal });
    return { folder, unarchivedFolder };
  };

  it('are unpacked and given the permissions of the recipe', async () => {
    const zip = zipSync({ 'bin/tool': new TextEncoder().encode('#!/bin/sh'), 'empty/': new Uint8Array() });
    const { folder, unarchivedFolder } = await prepare({ 'app.zip': zip, 'run.sh': 'x' }, [
      artifact('s3://b/app.zip', { Unarchive: 'ZIP', Permission: { Read: 'ALL', Execute: 'ALL' } }),
      artifact('s3://b/c/run.sh', { Permission: { Read: 'OWNER', Execute: 'OWNER' } }),
    ]);
    const tool = join(unarchivedFolder, 'app', 'bin', 'tool');
    expect(readFileSync(tool, 'utf8')).toBe('#!/bin/sh');
    expect(statSync(tool).mode & 0o777).toBe(0o755);
    expect(statSync(join(folder, 'run.sh')).mode & 0o777).toBe(0o700);
  });

  it.each([
    [{}, [artifact('s3://b/x')], /s3:\/\/b\/x of c 1\.0\.0 cannot be downloaded: no network/],
    [{}, [artifact('s3://b')], /s3:\/\/b is not s3:\/\/<bucket>\/<key>/],
    [{}, [artifact('greengrass:x')], /its recipe did not come from the cloud/],
    [{ 'x.zip': 'no' }, [artifact('s3://b/x.zip', { Unarchive: 'ZIP' })], /x\.zip is no ZIP archive/],
    [{ x: 'y' }, [artifact('s3://b/x', { Digest: 'A', Algorithm: 'MD5' })], /only SHA-256 can be checked/],
    [
      { 'x.zip': zipSync({ '../../../../evil': new TextEncoder().encode('x') }) },
      [artifact('s3://b/x.zip', { Unarchive: 'ZIP' })],
      /leads out of its folder/,
    ],
  ])('say what is wrong: %#', async (files, artifacts, message) => {
    await expect(prepare(files, artifacts)).rejects.toThrow(message);
    expect(existsSync('/evil')).toBe(false);
  });

  it('are images too, pulled again only for what the network broke', async () => {
    const pulled: string[] = [];
    const pull = (code: 'OFFLINE' | 'ARTIFACT_INVALID', failures: number) => (reference: string) => {
      pulled.push(reference);
      return pulled.length <= failures ? Promise.reject(new DeviceError(code, code)) : Promise.resolve();
    };
    await prepare({}, [artifact('docker:r/i@sha256:0')], { pull: pull('OFFLINE', 1) });
    expect(pulled).toEqual(['r/i@sha256:0', 'r/i@sha256:0']);
    pulled.length = 0;
    await expect(
      prepare({}, [artifact('docker:r/i')], { pull: pull('ARTIFACT_INVALID', 1) }),
    ).rejects.toThrow(/The image r\/i of c 1\.0\.0 cannot be pulled/);
    expect(pulled).toHaveLength(1);
    await prepare({}, [artifact('docker:r/i')], {
      isPresent: () => Promise.resolve(true),
      pull: pull('OFFLINE', 9),
    });
    expect(pulled).toHaveLength(1);
  });
});

describe('a download', () => {
  const content = Buffer.from('the whole of it');
  const digest = createHash('sha256').update(content).digest('base64');
  const fetch = async (
    open: (offset: number, attempt: number) => ArtifactContent,
    wanted: string | undefined = digest,
    partial?: string,
    folder = temporaryFolder(),
  ) => {
    const file = join(folder, 'file');
    if (partial !== undefined) writeFileSync(`${file}.part`, partial);
    let attempt = 0;
    const offsets: number[] = [];
    const outcome = await download({
      name: 'It',
      source: {
        open: (offset) => {
          offsets.push(offset);
          return Promise.resolve().then(() => open(offset, ++attempt));
        },
      },
      file,
      digest: wanted,
      attempts: 3,
      clock: new HastyClock(),
      log: () => {},
      signal: new AbortController().signal,
    }).catch((error: unknown) => error);
    return { outcome, offsets, file };
  };
  async function* bytes(data: Uint8Array, fails = false): AsyncGenerator<Uint8Array> {
    yield data;
    if (fails) throw new Error('reset');
  }
  const rest = (offset: number) => ({
    body: bytes(content.subarray(offset)),
    start: offset,
    size: content.length,
  });

  it('goes on where it broke, and is never under its name before it is whole', async () => {
    const { outcome, offsets, file } = await fetch((offset, attempt) =>
      attempt === 1 ? { ...rest(offset), body: bytes(content.subarray(0, 5), true) } : rest(offset),
    );
    expect(outcome).toBeUndefined();
    expect(offsets).toEqual([0, 5]);
    expect(readFileSync(file, 'utf8')).toBe('the whole of it');
  });

  it('discards what an earlier attempt left of something else', async () => {
    const { outcome, offsets, file } = await fetch(rest, digest, 'XXXX');
    expect([outcome, offsets]).toEqual([undefined, [4, 0]]);
    expect(readFileSync(file, 'utf8')).toBe('the whole of it');
  });

  it('ends with the reason when trying again does not help', async () => {
    const wrong = await fetch(rest, 'other');
    expect(wrong.outcome).toMatchObject({ codes: ['ARTIFACT_DOWNLOAD_ERROR', 'ARTIFACT_CHECKSUM_MISMATCH'] });
    expect(wrong.offsets).toEqual([0]);
    const full = await fetch((offset) => ({ ...rest(offset), size: 2 ** 60 }));
    expect(full.outcome).toMatchObject({
      codes: ['ARTIFACT_DOWNLOAD_ERROR', 'DISK_SPACE_CRITICAL'],
      message: expect.stringContaining('There is no room on the device for It'),
    });
    const broken = await fetch(() => {
      throw new OfflineError('no route');
    });
    expect(broken.outcome).toMatchObject({ message: 'It cannot be downloaded: no route.' });
    expect(broken.offsets).toHaveLength(3);
    for (const { file } of [wrong, full, broken]) expect(existsSync(file)).toBe(false);
  });

  it('leaves nothing behind on a disk that is full', async ({ skip }) => {
    const folder = temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      skip('this user may not mount file systems');
    }
    onTestFinished(() => void execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' }));
    const big = () => ({ body: bytes(Buffer.alloc(200_000)), start: 0, size: undefined });
    const { outcome } = await fetch(big, digest, undefined, folder);
    expect(outcome).toMatchObject({ codes: ['ARTIFACT_DOWNLOAD_ERROR', 'DISK_SPACE_CRITICAL'] });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('comes out whole however the network cuts it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: content.length }), { maxLength: 6 }), async (cuts) => {
        const queue = [...cuts];
        const { outcome, file } = await fetch((offset) => {
          const cut = queue.shift();
          if (!cut) return rest(offset);
          return { ...rest(offset), body: bytes(content.subarray(offset, offset + cut), true) };
        });
        if (outcome === undefined) expect(readFileSync(file).equals(content)).toBe(true);
        else expect(existsSync(file)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the journal', () => {
  const report = (key: string): Report => ({
    key,
    source: 'IOT_JOBS',
    id: 'j',
    deploymentId: 'd',
    configurationArn: 'arn',
    outcome: { status: 'SUCCEEDED', detailedStatus: 'SUCCESSFUL' },
    removed: [],
    touched: [],
    unchangedRoots: [],
    owed: ['source', 'fleet-status'],
  });
  const deployment: Deployment = { source: 'IOT_JOBS', id: 'j', offer: 1, document: '{}' };

  it('is the same after a restart, and forgets what everyone was told', () => {
    const path = join(temporaryFolder(), 'deployments.json');
    const open = () => new DeploymentJournal(path, () => {});
    const journal = open();
    journal.advance({ stage: 'PREPARING', deployment });
    expect(open().undertaking).toEqual({ stage: 'PREPARING', deployment });
    journal.end(deployment, report('a'));
    expect(open().undertaking).toBeUndefined();
    expect(open().isDone(deployment)).toBe(true);
    expect(open().isDone({ ...deployment, offer: 2 })).toBe(false);
    journal.settle('a', 'source');
    expect(open().reports[0]?.owed).toEqual(['fleet-status']);
    journal.settle('a', 'fleet-status');
    expect(open().reports).toEqual([]);
    writeFileSync(path, '{');
    expect(open().undertaking).toBeUndefined();
  });

  it('ends a deployment even when the disk takes nothing any more', () => {
    const said: string[] = [];
    const journal = new DeploymentJournal(join(temporaryFolder(), 'absent', 'x.json'), (_level, text) =>
      said.push(text),
    );
    expect(() => journal.advance({ stage: 'PREPARING', deployment })).toThrow();
    journal.end(deployment, report('a'));
    expect(journal.reports).toHaveLength(1);
    expect(said[0]).toMatch(/cannot be written/);
  });
});

describe('the document of a deployment', () => {
  it('is read whatever comes, or refused with a sentence', () => {
    const read = (text: string) => {
      try {
        return parseCloudDocument(text);
      } catch (error) {
        return error;
      }
    };
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = read(text);
        if (result instanceof Error) expect(result).toBeInstanceOf(DeploymentError);
      }),
    );
    const arn = 'arn:aws:greengrass:eu-west-1:000000000000:configuration:thinggroup/a:b:12';
    expect(read(JSON.stringify({ deploymentId: 'd', configurationArn: arn }))).toMatchObject({
      group: 'thinggroup/a:b',
      roots: {},
      failureHandlingPolicy: 'ROLLBACK',
      notify: true,
    });
  });
});

describe('the details of a job’s status', () => {
  it('fit AWS IoT’s limits', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3000 }), fc.array(fc.string({ maxLength: 400 })), (cause, stack) => {
        const details = statusDetailsOf({
          status: 'FAILED',
          detailedStatus: 'FAILED_NO_STATE_CHANGE',
          failure: { cause, stack, types: [] },
        });
        for (const value of Object.values(details)) expect(value.length).toBeLessThanOrEqual(1024);
        expect(Array.isArray(JSON.parse(details['deployment-error-stack'] ?? ''))).toBe(true);
      }),
    );
  });
});
