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
import { describe, expect, it } from 'vitest';
import type { ComponentSpec } from '../../src/component/spec.js';
import { importArtifacts, prepareArtifacts, restoreArtifacts } from '../../src/deployment/artifacts.js';
import { planDeployment, type Step } from '../../src/deployment/plan.js';
import { configurationOf } from '../../src/deployment/target.js';
import { makeLayout } from '../../src/layout.js';
import { parseLifecycle } from '../../src/recipe/lifecycle.js';
import { parseRecipe, type Recipe } from '../../src/recipe/recipe.js';
import { resolveComponents } from '../../src/recipe/resolution.js';
import { temporaryFolder } from '../support/fixtures.js';

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
    artifacts: [],
    artifactsDigest: '',
    variables: { self: name, thingName: 'T', rootPath: '/', component: () => undefined },
    ...more,
  };
}

const words = (steps: readonly Step[]) =>
  steps.map((step) => (step.kind === 'commit' ? 'commit' : `${step.kind} ${step.component}`));

describe('the plan of a deployment', () => {
  const a = spec('a', { dependencies: { b: 'HARD' } });
  const b = spec('b');

  it('installs what is new, dependencies first', () => {
    expect(words(planDeployment([], [a, b]))).toEqual([
      'prepare b',
      'prepare a',
      'commit',
      'install b',
      'install a',
    ]);
  });

  it('changes nothing when nothing changes', () => {
    expect(words(planDeployment([a, b], [b, a]))).toEqual(['commit']);
  });

  it('removes dependents first', () => {
    expect(words(planDeployment([a, b], []))).toEqual(['stop a', 'stop b', 'commit', 'remove a', 'remove b']);
  });

  it('reinstalls for a version, an artifact or an install script, restarts for another script', () => {
    const replaced = ['prepare b', 'stop b', 'commit', 'install b'];
    expect(words(planDeployment([b], [spec('b', { version: '2.0.0' })]))).toEqual(replaced);
    expect(words(planDeployment([b], [spec('b', { artifactsDigest: 'x' })]))).toEqual(replaced);
    expect(words(planDeployment([b], [spec('b', { scripts: { run: 'x', install: 'y' } })]))).toEqual([
      'stop b',
      'commit',
      'install b',
    ]);
    expect(words(planDeployment([b], [spec('b', { scripts: { run: 'z' } })]))).toEqual([
      'commit',
      'restart b',
    ]);
    expect(words(planDeployment([b], [spec('b', { configuration: { x: 1 } })]))).toEqual(['commit']);
  });

  it('runs the bootstrap script of what is replaced', () => {
    const withBootstrap = spec('b', { scripts: { bootstrap: 'y' } });
    expect(words(planDeployment([], [withBootstrap]))).toEqual([
      'prepare b',
      'commit',
      'bootstrap b',
      'install b',
    ]);
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
        const plan = planDeployment(current, target);
        const at = (kind: Step['kind'], name: string) =>
          plan.findIndex((step) => step.kind === kind && (step.kind === 'commit' || step.component === name));
        const commit = at('commit', '');
        expect(plan.filter(({ kind }) => kind === 'commit')).toHaveLength(1);
        for (const { name, version } of current) {
          const next = target.find((other) => other.name === name);
          expect(at('stop', name) >= 0).toBe(next?.version !== version);
          expect(at('stop', name)).toBeLessThan(commit);
          expect(at('remove', name) > commit).toBe(next === undefined);
        }
        for (const { name, version, dependencies } of target) {
          const isNew = current.find((other) => other.name === name)?.version !== version;
          expect(at('install', name) > commit).toBe(isNew);
          expect(at('prepare', name) >= 0).toBe(isNew);
          for (const dependency of Object.keys(dependencies)) {
            if (isNew && at('install', dependency) >= 0) {
              expect(at('install', dependency)).toBeLessThan(at('install', name));
            }
          }
        }
        const lastPrepare = plan.findLastIndex(({ kind }) => kind === 'prepare');
        const firstStop = plan.findIndex(({ kind }) => kind === 'stop');
        if (firstStop >= 0) expect(lastPrepare).toBeLessThan(firstStop);
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
  const resolve = (roots: Record<string, string>, recipes: Recipe[], active: Record<string, string> = {}) =>
    [
      ...resolveComponents({
        roots: new Map(Object.entries(roots)),
        recipes: (name) => recipes.filter((candidate) => candidate.name === name),
        active: (name) => active[name],
        provided: new Map([['aws.greengrass.Nucleus', '2.15.0']]),
      }).values(),
    ].map(({ name, version }) => `${name} ${version}`);

  it('takes the highest version that everyone accepts, dependencies first', () => {
    const recipes = [
      recipe('a', '1.0.0', { c: '^1.0.0', 'aws.greengrass.Nucleus': '>=2.0.0 <3.0.0' }),
      recipe('b', '1.0.0', { c: '<1.2.0' }),
      ...['1.0.0', '1.1.0', '1.2.0', '2.0.0'].map((version) => recipe('c', version)),
    ];
    expect(resolve({ a: '1.0.0', b: '1.0.0' }, recipes)).toEqual(['c 1.1.0', 'a 1.0.0', 'b 1.0.0']);
    expect(resolve({ a: '1.0.0' }, recipes, { c: '1.0.0' })).toEqual(['c 1.0.0', 'a 1.0.0']);
  });

  it.each([
    [
      { a: '1.0.0' },
      [recipe('a', '1.0.0', { b: '^2.0.0' }), recipe('b', '1.0.0')],
      /No version of b fits \(\^2\.0\.0 for a\): there is 1\.0\.0/,
    ],
    [
      { a: '1.0.0' },
      [recipe('a', '1.0.0', { b: '*' }), recipe('b', '1.0.0', { a: '*' })],
      /in a circle: a → b → a/,
    ],
    [
      { a: '1.0.0' },
      [recipe('a', '1.0.0', { 'aws.greengrass.Nucleus': '^3.0.0' })],
      /No version of aws\.greengrass\.Nucleus fits/,
    ],
  ])('says why there is none: %#', (roots, recipes, message) => {
    expect(() => resolve(roots, recipes)).toThrow(message);
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
        { RESET: ['/a', '/own', '/deep'], MERGE: { list: [3] } },
      ),
    ).toEqual({ a: 1, list: [3], deep: { x: 1, y: 2 } });
    expect(configurationOf(r, { a: 5, own: 1 }, { reset: [''] })).toEqual({
      a: 1,
      list: [1, 2],
      deep: { x: 1, y: 2 },
    });
  });
  it.each([[{ MERGE: 1 }], [{ NO: {} }], [[]], ['x'], [{ RESET: ['a'] }]])('refuses %j', (update) => {
    expect(() => configurationOf(r, {}, update as never)).toThrow(
      /configuration update of c|no JSON pointer/,
    );
  });
});

describe('artifacts', () => {
  const artifact = (Uri: string, more: object = {}) => ({ Uri, Unarchive: 'NONE' as const, ...more });
  const deploy = (files: Record<string, Uint8Array | string>, artifacts: ComponentSpec['artifacts']) => {
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'c', '1.0.0'), { recursive: true });
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(folder, 'c', '1.0.0', name), content);
    importArtifacts(folder, layout);
    prepareArtifacts(spec('c', { artifacts }), layout);
    return layout;
  };

  it('are copied, unpacked and given the permissions of the recipe', () => {
    const zip = zipSync({ 'bin/tool': new TextEncoder().encode('#!/bin/sh'), 'empty/': new Uint8Array() });
    const layout = deploy({ 'app.zip': zip, 'run.sh': 'x' }, [
      artifact('s3://b/app.zip', { Unarchive: 'ZIP', Permission: { Read: 'ALL', Execute: 'ALL' } }),
      artifact('s3://b/c/run.sh', { Permission: { Read: 'OWNER', Execute: 'OWNER' } }),
    ]);
    const tool = join(layout.unarchivedArtifacts('c', '1.0.0'), 'app', 'bin', 'tool');
    expect(readFileSync(tool, 'utf8')).toBe('#!/bin/sh');
    expect(statSync(tool).mode & 0o777).toBe(0o755);
    expect(statSync(join(layout.artifacts('c', '1.0.0'), 'run.sh')).mode & 0o777).toBe(0o700);
  });

  it.each([
    [{}, [artifact('s3://b/x')], /s3:\/\/b\/x is not in the artifact folder as c\/1\.0\.0\/x/],
    [{ 'x.zip': 'no' }, [artifact('s3://b/x.zip', { Unarchive: 'ZIP' })], /x\.zip is no ZIP archive/],
    [{}, [artifact('docker:nginx')], /container images are not built/],
  ])('say what is wrong: %#', (files, artifacts, message) => {
    expect(() => deploy(files, artifacts)).toThrow(message);
  });

  it('are put back when an agent was killed while it replaced them', () => {
    const zip = zipSync({ tool: new TextEncoder().encode('1') });
    const layout = deploy({ 'app.zip': zip, 'run.sh': 'x' }, [
      artifact('s3://b/app.zip', { Unarchive: 'ZIP' }),
    ]);
    const version = layout.artifacts('c', '1.0.0');
    const unpacked = join(layout.unarchivedArtifacts('c', '1.0.0'), 'app');
    for (const folder of [version, unpacked]) renameSync(folder, `${folder}.old`);
    restoreArtifacts(layout);
    expect(readdirSync(version).sort()).toEqual(['app.zip', 'run.sh']);
    expect(readdirSync(unpacked)).toEqual(['tool']);
    mkdirSync(`${version}.old`);
    restoreArtifacts(layout);
    expect(readdirSync(version).sort()).toEqual(['app.zip', 'run.sh']);
  });

  it('never lead out of their folder', () => {
    const zip = zipSync({ '../../../../evil': new TextEncoder().encode('x') });
    expect(() => deploy({ 'x.zip': zip }, [artifact('s3://b/x.zip', { Unarchive: 'ZIP' })])).toThrow(
      /leads out of its folder/,
    );
    expect(existsSync('/evil')).toBe(false);
  });
});
