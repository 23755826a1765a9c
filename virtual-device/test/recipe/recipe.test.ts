import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DeviceError } from '../../src/errors.js';
import { parseLifecycle } from '../../src/recipe/lifecycle.js';
import { lifecycleOf, selectManifest } from '../../src/recipe/platform.js';
import { parseRecipe } from '../../src/recipe/recipe.js';

const HELLO = `
---
RecipeFormatVersion: '2020-01-25'
ComponentName: com.example.HelloWorld
ComponentVersion: '1.0.0'
ComponentDescription: My first AWS IoT Greengrass component.
ComponentPublisher: Amazon
ComponentConfiguration:
  DefaultConfiguration:
    Message: world
ComponentDependencies:
  aws.greengrass.Nucleus:
    VersionRequirement: '>=2.0.0 <3.0.0'
  other: { VersionRequirement: ==1.2.3, DependencyType: soft }
Manifests:
  - Platform: { os: linux }
    Lifecycle:
      Run: |
        python3 -u {artifacts:path}/hello_world.py "{configuration:/Message}"
    Artifacts:
      - URI: s3://bucket/hello.zip
        Unarchive: zip
        Permission: { Execute: owner }
  - Platform: { os: windows }
    Lifecycle:
      Run: py -3 -u {artifacts:path}/hello_world.py "{configuration:/Message}"
`;

describe('recipes', () => {
  it("takes AWS's own example, in YAML and in JSON, with keys in any case", () => {
    const recipe = parseRecipe(HELLO, 'hello.yaml');
    expect(recipe).toMatchObject({
      name: 'com.example.HelloWorld',
      version: '1.0.0',
      defaultConfiguration: { Message: 'world' },
      dependencies: {
        'aws.greengrass.Nucleus': { requirement: '>=2.0.0 <3.0.0', type: 'HARD' },
        other: { requirement: '=1.2.3', type: 'SOFT' },
      },
    });
    expect(selectManifest(recipe, { os: 'linux', architecture: 'aarch64' })?.Artifacts).toEqual([
      { Uri: 's3://bucket/hello.zip', Unarchive: 'ZIP', Permission: { Read: 'OWNER', Execute: 'OWNER' } },
    ]);
    const json = JSON.stringify({
      recipeformatversion: '2020-01-25',
      COMPONENTNAME: 'c',
      componentVersion: '1.0.0',
      manifests: [{ lifecycle: { RUN: 'x' } }],
    });
    const parsed = parseRecipe(json, 'c.json');
    const manifest = selectManifest(parsed, { os: 'linux' });
    expect(manifest && parseLifecycle(lifecycleOf(parsed, manifest), 'c').run?.script).toBe('x');
  });

  const base = { RecipeFormatVersion: '2020-01-25', ComponentName: 'c', ComponentVersion: '1.0.0' };
  it.each([
    [{ ...base, ComponentName: undefined }, 'r.yaml: ComponentName is missing.'],
    [{ ...base, ComponentName: '../x' }, /^r\.yaml: ComponentName is wrong: only letters/],
    [{ ...base, ComponentVersion: '1.0' }, /^r\.yaml: ComponentVersion is not a semantic version/],
    [{ ...base, RecipeFormatVersion: '2021-01-01' }, /^r\.yaml: RecipeFormatVersion is wrong/],
    [
      { ...base, ComponentDependencies: { d: { VersionRequirement: 'newest' } } },
      'r.yaml: ComponentDependencies.d.VersionRequirement is not a version range.',
    ],
    [{ ...base, Manifests: [{ Artifacts: [{}] }] }, 'r.yaml: Manifests.0.Artifacts.0.Uri is missing.'],
  ])('names what is wrong: %#', (document, message) => {
    expect(() => parseRecipe(stringify(document), 'r.yaml')).toThrow(message);
  });

  it('fails on anything else only with an error of its own', () => {
    const total = (text: string) => {
      try {
        parseRecipe(text, 'r');
      } catch (error) {
        expect(error).toBeInstanceOf(DeviceError);
      }
    };
    fc.assert(fc.property(fc.string(), total));
    fc.assert(fc.property(fc.json(), total));
    const keys = fc.constantFrom(
      'Manifests',
      'Lifecycle',
      'ComponentDependencies',
      'ComponentConfiguration',
      'run',
    );
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue()), (more) => total(JSON.stringify({ ...base, ...more }))),
    );
  });

  it('parses lifecycles totally', () => {
    const steps = fc.constantFrom('Install', 'run', 'STARTUP', 'Setenv', 'recover', 'other');
    fc.assert(
      fc.property(fc.dictionary(steps, fc.jsonValue()), (section) => {
        try {
          parseLifecycle(section as never, 'c');
        } catch (error) {
          expect(error).toBeInstanceOf(DeviceError);
        }
      }),
    );
  });
});

describe('platforms', () => {
  const platform = { os: 'linux', architecture: 'aarch64' };
  const recipe = (...platforms: unknown[]) =>
    parseRecipe(
      JSON.stringify({
        RecipeFormatVersion: '2020-01-25',
        ComponentName: 'c',
        ComponentVersion: '1.0.0',
        Manifests: platforms.map((Platform, index) => ({ Name: String(index), Platform })),
      }),
      'c',
    );
  it.each([
    [[{ os: 'windows' }, { os: 'linux' }], '1'],
    [[{ os: 'linux', architecture: 'amd64' }, { architecture: ['arm', 'aarch64'] }], '1'],
    [[{ architecture: '/arm.*|aarch.*/' }], '0'],
    [[{ architecture: '/a/' }], undefined],
    [[{ architecture: '/(/' }, { os: '*' }], '1'],
    [[{ runtime: 'aws_nucleus_lite' }, { os: 'linux', runtime: '*' }], '1'],
    [[{ os: 'all', architecture: 'any' }], '0'],
    [[{ gpu: '//' }, { gpu: null }], '1'],
    [[{ os: 3 }], undefined],
    [[{}], '0'],
  ])('%j', (platforms, name) => {
    expect(selectManifest(recipe(...platforms), platform)?.Name).toBe(name);
  });

  it('picks from a global lifecycle by selections', () => {
    const global = parseRecipe(
      JSON.stringify({
        RecipeFormatVersion: '2020-01-25',
        ComponentName: 'c',
        ComponentVersion: '1.0.0',
        Lifecycle: {
          Install: { big: 'install-big', all: 'install-any' },
          Run: { Script: { big: 'run-big' } },
        },
        Manifests: [{ Platform: { os: 'linux' }, Selections: ['big'] }, { Selections: [] }],
      }),
      'c',
    );
    const [first, second] = global.manifests;
    expect(first && lifecycleOf(global, first)).toEqual({
      Install: 'install-big',
      Run: { Script: 'run-big' },
    });
    expect(second && lifecycleOf(global, second)).toEqual({ Install: 'install-any', Run: {} });
  });
});
