import { ValidationException } from '@aws-sdk/client-greengrassv2';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse as parseYaml, stringify } from 'yaml';
import { fitsPlatform } from '../../src/services/greengrassv2/components/platform.js';
import { parseRecipe, platformsOf, recipeText } from '../../src/services/greengrassv2/components/recipe.js';
import {
  isComponentVersion,
  newestFirst,
  parseRequirement,
} from '../../src/services/greengrassv2/components/versions.js';
import { DOCUMENTED_RECIPES } from './recipes.js';

const read = (text: string) => parseRecipe(Buffer.from(text));
const minimal = {
  RecipeFormatVersion: '2020-01-25',
  ComponentName: 'com.example.A',
  ComponentVersion: '1.0.0',
};

test.each(Object.entries(DOCUMENTED_RECIPES))('the recipe of %s is read and written again', (_name, text) => {
  const recipe = read(text);
  expect(parseRecipe(Buffer.from(recipeText(recipe, 'JSON')))).toEqual(recipe);
  expect(parseRecipe(Buffer.from(recipeText(recipe, 'YAML')))).toEqual(recipe);
  // Lifecycles are the author's own.
  expect(recipe.Lifecycle).toEqual((parseYaml(text) as { Lifecycle?: object }).Lifecycle ?? {});
});

test('keys are taken in any case, and defaults filled in', () => {
  const recipe = read(
    JSON.stringify({
      recipeformatversion: '2020-01-25',
      COMPONENTNAME: 'a',
      componentVersion: '1.0.0-beta.1',
      manifests: [
        { platform: { os: 'linux', cores: 4 }, artifacts: [{ URI: 's3://bucket/a', unarchive: 'zip' }] },
      ],
    }),
  );
  expect(recipe).toEqual({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'a',
    ComponentVersion: '1.0.0-beta.1',
    ComponentType: 'aws.greengrass.generic',
    Manifests: [
      {
        Platform: { os: 'linux', cores: '4' },
        Lifecycle: {},
        Artifacts: [
          { Uri: 's3://bucket/a', Unarchive: 'ZIP', Permission: { Read: 'OWNER', Execute: 'NONE' } },
        ],
      },
    ],
    Lifecycle: {},
  });
  expect(platformsOf(recipe)).toEqual([{ attributes: { os: 'linux', cores: '4' } }]);
});

test.each([
  ['', 'recipe'],
  ['a: [', 'not valid YAML'],
  [JSON.stringify({ ...minimal, ComponentName: 'a b' }), 'ComponentName: can only have letters'],
  [JSON.stringify({ ...minimal, ComponentName: undefined }), 'ComponentName is missing'],
  [JSON.stringify({ ...minimal, ComponentVersion: '1.0' }), 'ComponentVersion: must be a semantic version'],
  [
    JSON.stringify({ ...minimal, ComponentVersion: '1000000.0.0' }),
    'ComponentVersion: must be a semantic version',
  ],
  [JSON.stringify({ ...minimal, RecipeFormatVersion: '2021-01-01' }), 'RecipeFormatVersion'],
  [JSON.stringify({ ...minimal, Manifest: [] }), 'no key Manifest'],
  [JSON.stringify({ ...minimal, Manifests: [null] }), 'Manifests.0'],
  [
    JSON.stringify({ ...minimal, Manifests: [{ Lifecycle: 'run' }] }),
    'Manifests.0.Lifecycle: must be an object',
  ],
  [
    JSON.stringify({ ...minimal, ComponentDependencies: { b: { VersionRequirement: 'new' } } }),
    'ComponentDependencies.b.VersionRequirement: must be a version requirement',
  ],
  [JSON.stringify({ ...minimal, ComponentDependencies: { b: {} } }), 'VersionRequirement'],
  [`${JSON.stringify(minimal)}${' '.repeat(16_000)}`, 'at most 16000'],
  [`${stringify(minimal)}Lifecycle: ${'{a: '.repeat(100)}1${'}'.repeat(100)}`, 'deeper than 64'],
])('a wrong recipe is refused in words (%#)', (text, words) => {
  expect(() => read(text)).toThrow(ValidationException);
  expect(() => read(text)).toThrow(words);
});

test('any text is a recipe or refused as one', () => {
  const almost = fc
    .record(
      {
        RecipeFormatVersion: fc.oneof(fc.constant('2020-01-25'), fc.jsonValue()),
        ComponentName: fc.oneof(fc.constant('a'), fc.jsonValue()),
        ComponentVersion: fc.oneof(fc.constant('1.0.0'), fc.jsonValue()),
        ComponentConfiguration: fc.oneof(fc.constant({ DefaultConfiguration: {} }), fc.jsonValue()),
        ComponentDependencies: fc.jsonValue(),
        Manifests: fc.oneof(
          fc.array(fc.record({ Platform: fc.jsonValue(), Artifacts: fc.jsonValue() })),
          fc.jsonValue(),
        ),
        Lifecycle: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), almost), (text) => {
      try {
        const recipe = read(text);
        expect(parseRecipe(Buffer.from(recipeText(recipe, 'JSON')))).toEqual(recipe);
      } catch (error) {
        expect(error).toBeInstanceOf(ValidationException);
      }
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => parseRecipe(bytes)).toThrow(ValidationException);
    }),
  );
});

test.each([
  ['==1.0.0', ['1.0.0'], ['1.0.1']],
  ['=1.0.0', ['1.0.0'], ['1.0.1']],
  ['1.0.0', ['1.0.0'], ['1.0.1']],
  ['*', ['0.0.1', '99.0.0'], ['1.0.0-beta']],
  ['', ['1.0.0'], []],
  ['~2.0', ['2.0.0', '2.0.15'], ['2.1.0']],
  ['~2.0.3', ['2.0.3', '2.0.4'], ['2.0.2', '2.1.0']],
  ['^2.0', ['2.0.0', '2.9.9'], ['1.9.9', '3.0.0']],
  ['>=1.0 <2', ['1.0.0', '1.99.0'], ['2.0.0', '0.9.0']],
  ['>=2.1.0 <2.16.0', ['2.15.0'], ['2.16.0']],
  ['>1.0.0', ['1.0.1'], ['1.0.0']],
  ['1.x || >=3.0.0', ['1.2.3', '3.0.0'], ['2.0.0']],
  ['1.0.0 - 1.2.0', ['1.1.0', '1.2.0'], ['1.2.1']],
  ['>=1.0.0-alpha', ['1.0.0-beta', '1.0.0'], ['0.9.0']],
])('the requirement %s', (text, accepted, refused) => {
  const requirement = parseRequirement(text);
  for (const version of accepted) expect(requirement?.accepts(version)).toBe(true);
  for (const version of refused) expect(requirement?.accepts(version)).toBe(false);
});

test('any text is a requirement or none, and accepts or refuses any version', () => {
  const part = fc.constantFrom(
    '>=',
    '<',
    '=',
    '==',
    '~',
    '^',
    '1',
    '2',
    '.',
    '*',
    'x',
    ' ',
    '||',
    '-',
    '0',
    'a',
  );
  const version = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)).map((numbers) => numbers.join('.'));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part).map((parts) => parts.join('')),
      ),
      version,
      (text, of) => {
        expect([true, false, undefined]).toContain(parseRequirement(text)?.accepts(of));
      },
    ),
  );
  fc.assert(
    fc.property(version, (text) => {
      expect(isComponentVersion(text)).toBe(true);
      expect(parseRequirement(`==${text}`)?.accepts(text)).toBe(true);
    }),
  );
  expect(parseRequirement('one')).toBeUndefined();
  expect(parseRequirement('9'.repeat(2000))).toBeUndefined();
  for (const text of ['v1.0.0', '1.0', '01.0.0', ' 1.0.0', '1.0.0 ', '', 'a', `1.0.0-${'a'.repeat(64)}`]) {
    expect(isComponentVersion(text)).toBe(false);
  }
  expect(['1.0.0', '1.10.0', '1.2.0', '1.2.0-rc.1'].sort(newestFirst)).toEqual([
    '1.10.0',
    '1.2.0',
    '1.2.0-rc.1',
    '1.0.0',
  ]);
});

const pi = { os: 'linux', architecture: 'aarch64', 'architecture.detail': 'arm8' };
test.each([
  [{}, pi, true],
  [{ os: 'linux' }, pi, true],
  [{ os: 'all' }, pi, true],
  [{ os: '*', architecture: '*' }, pi, true],
  [{ os: 'windows' }, pi, false],
  [{ os: '/darwin|linux/' }, pi, true],
  [{ architecture: '/arm|aarch64/' }, pi, true],
  [{ architecture: '/aarch/' }, pi, false],
  [{ architecture: '/(/' }, pi, false],
  [{ board: 'pi' }, pi, false],
  [{ board: '*' }, pi, false],
  [{ board: '*' }, { ...pi, board: 'pi' }, true],
  [{ os: 'linux', runtime: '*' }, pi, true],
  [{ os: 'linux', runtime: 'aws_nucleus_classic' }, pi, true],
  [{ os: 'linux', runtime: 'aws_nucleus_lite' }, pi, false],
  [{ os: 'linux' }, { ...pi, runtime: 'aws_nucleus_lite' }, false],
  [{ os: 'linux', runtime: '*' }, { ...pi, runtime: 'aws_nucleus_lite' }, true],
  [{ os: 'linux', runtime: 'aws_nucleus_lite' }, { ...pi, runtime: 'aws_nucleus_lite' }, true],
])('platform %j of a manifest, device %j: %j', (wanted, device, fits) => {
  expect(fitsPlatform(wanted, device)).toBe(fits);
});
