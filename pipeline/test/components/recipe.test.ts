import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillRecipe } from '../../src/components/recipe.js';
import { MooringError } from '../../src/errors.js';

const facts = {
  name: 'docker_led',
  version: '1.0.3',
  image: '127.0.0.1:4566/docker_led@sha256:ab',
  bucket: 'artifacts-1',
};

const recipe = `
RecipeFormatVersion: "2020-01-25"
ComponentName: docker_led
ComponentVersion: "1.0.0" # what its author asks for
Manifests:
  - Platform: { os: linux }
    Artifacts:
      - URI: docker:IMAGE_URI
      - URI: s3://BUCKET_NAME/docker_led/1.0.0/deep/config.json
    Lifecycle:
      Run: docker run --rm IMAGE_URI --bucket BUCKET_NAME
`;

test('image, bucket and version are filled in wherever they stand', () => {
  expect(JSON.parse(fillRecipe(recipe, facts))).toEqual({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'docker_led',
    ComponentVersion: '1.0.3',
    Manifests: [
      {
        Platform: { os: 'linux' },
        Artifacts: [
          { URI: 'docker:127.0.0.1:4566/docker_led@sha256:ab' },
          { URI: 's3://artifacts-1/docker_led/1.0.3/deep/config.json' },
        ],
        Lifecycle: { Run: 'docker run --rm 127.0.0.1:4566/docker_led@sha256:ab --bucket artifacts-1' },
      },
    ],
  });
});

test('filled in once more, it stays as it is', () => {
  const once = fillRecipe(recipe, facts);
  expect(fillRecipe(once, facts)).toBe(once);
});

test.each([
  ['a: [', 'is not YAML'],
  ['- 1', 'has no ComponentName'],
  ['ComponentName: other', 'names another component, other'],
  ['ComponentName: docker_led\nX: docker:IMAGE_URI', 'has IMAGE_URI in it, but no image'],
])('%j is refused in a sentence', (text, problem) => {
  const withoutImage = { ...facts, image: undefined };
  expect(() => fillRecipe(text, withoutImage)).toThrow(problem);
});

test('any text is filled in or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => `{"ComponentName":"docker_led","X":${json}}`),
      ),
      (text) => {
        try {
          expect(JSON.parse(fillRecipe(text, facts))).toMatchObject({ ComponentVersion: facts.version });
        } catch (error) {
          expect(error).toBeInstanceOf(MooringError);
        }
      },
    ),
  );
});
