import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accepts, readContentRange, readEndpoint } from '../../src/services/ecr/distribution/endpoint.js';
import { expiredImages, readLifecyclePolicy } from '../../src/services/ecr/lifecycle-policy.js';
import { readManifest } from '../../src/services/ecr/manifest.js';
import { DIGEST, isRepositoryName, TAG } from '../../src/services/ecr/names.js';
import { fitsWildcards } from '../../src/services/ecr/wildcard.js';
import { sha256 } from './images.js';

const part = fc.stringMatching(/^[a-z0-9]{1,4}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
const name = fc
  .array(fc.oneof(part, fc.constantFrom('blobs', 'uploads', 'manifests', 'tags', 'list')), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join('/'))
  .filter((text) => text.length >= 2);
const digest = fc.string().map(sha256);
const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);

test('paths of every kind are read back, whatever the names of repositories', () => {
  fc.assert(
    fc.property(name, digest, tag, (repository, sha, label) => {
      expect(isRepositoryName(repository)).toBe(true);
      expect([DIGEST.test(sha), TAG.test(label)]).toEqual([true, true]);
      const read = (suffix: string) => readEndpoint(`/v2/${repository}/${suffix}`);
      expect(read(`blobs/${sha}`)).toEqual({ kind: 'blob', repository, reference: sha });
      expect(read(`blobs/${sha.replace(':', '%3A')}`)).toEqual({ kind: 'blob', repository, reference: sha });
      for (const reference of [sha, `t${label}`]) {
        expect(read(`manifests/${reference}`)).toEqual({ kind: 'manifest', repository, reference });
      }
      expect(read('blobs/uploads/')).toEqual({ kind: 'uploads', repository });
      expect(read('blobs/uploads')).toEqual({ kind: 'uploads', repository });
      expect(read('blobs/uploads/1-2')).toEqual({ kind: 'upload', repository, reference: '1-2' });
      expect(read('tags/list')).toEqual({ kind: 'tags', repository });
      expect(read(`referrers/${sha}`)).toEqual({ kind: 'referrers', repository, reference: sha });
    }),
  );
});

test('anything else is read without an exception, and named as it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webPath()), fc.string(), (path, header) => {
      readEndpoint(path);
      readEndpoint(`/v2/${path}`);
      const range = readContentRange(header);
      expect(range === undefined || range.first <= range.last).toBe(true);
      expect(typeof accepts(header, 'a/b')).toBe('boolean');
    }),
  );
});

test.each([
  ['0-0', 0, 0],
  ['5-1023', 5, 1023],
  ['bytes 0-9/10', 0, 9],
  ['bytes=1-2', 1, 2],
])('the range %s is of bytes %d to %d', (header, first, last) => {
  expect(readContentRange(header)).toEqual({ first, last });
});

test.each(['', '1', '-1', '2-1', 'x-y', '1-2-3', '0-1e3', `0-${'9'.repeat(16)}`])(
  '%s is no range of a chunk',
  (header) => expect(readContentRange(header)).toBeUndefined(),
);

test('whatever the bytes, a manifest is read or refused in a sentence', () => {
  const descriptor = fc.record(
    { mediaType: fc.string(), digest: fc.oneof(digest, fc.string()), size: fc.integer() },
    { requiredKeys: [] },
  );
  const manifest = fc
    .record(
      {
        schemaVersion: fc.constantFrom(1, 2),
        mediaType: fc.constantFrom(
          'application/vnd.oci.image.manifest.v1+json',
          'application/vnd.oci.image.index.v1+json',
          'x',
        ),
        config: descriptor,
        layers: fc.array(descriptor),
        manifests: fc.array(descriptor),
      },
      { requiredKeys: [] },
    )
    .map((value) => Buffer.from(JSON.stringify(value)));
  const input = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => Buffer.from(text)),
    manifest,
  );
  fc.assert(
    fc.property(input, fc.option(fc.string(), { nil: undefined }), (bytes, declared) => {
      try {
        const { blobs, manifests } = readManifest(bytes, declared);
        for (const { digest: named } of [...blobs, ...manifests]) expect(named).toMatch(DIGEST);
      } catch (error) {
        expect(error).toMatchObject({
          name: 'ManifestError',
          message: expect.stringMatching(/^The manifest|^Manifests/),
        });
      }
    }),
  );
});

test('wildcards fit as a regular expression would', () => {
  const text = fc.stringMatching(/^[ab.]{0,8}$/);
  const pattern = fc.stringMatching(/^[ab.*]{0,5}$/);
  fc.assert(
    fc.property(pattern, text, (wild, label) => {
      const expression = new RegExp(`^${wild.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
      expect(fitsWildcards(wild, label)).toBe(expression.test(label));
    }),
    { numRuns: 1000 },
  );
});

test('a lifecycle policy is read or refused, and expires only what it selects', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        readLifecyclePolicy(text);
      } catch (error) {
        expect(error).toMatchObject({ name: 'LifecyclePolicyError' });
      }
    }),
  );
  const rules = readLifecyclePolicy(
    JSON.stringify({
      rules: [
        {
          rulePriority: 2,
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 1 },
          action: { type: 'expire' },
        },
        {
          rulePriority: 1,
          selection: {
            tagStatus: 'tagged',
            tagPatternList: ['prod*'],
            countType: 'sinceImagePushed',
            countUnit: 'days',
            countNumber: 1,
          },
          action: { type: 'expire' },
        },
      ],
    }),
  );
  const day = 24 * 60 * 60 * 1000;
  const images = [
    { digest: 'old-prod', tags: ['prod-1'], pushed: 0 },
    { digest: 'new-prod', tags: ['prod-2'], pushed: 2 * day },
    { digest: 'old', tags: [], pushed: 0 },
    { digest: 'new', tags: ['x'], pushed: day },
  ];
  expect(expiredImages(rules, images, 2 * day)).toEqual(['old-prod', 'old']);
});
