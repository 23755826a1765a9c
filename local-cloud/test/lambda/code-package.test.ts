import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidParameterValueException } from '@aws-sdk/client-lambda';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { afterAll, expect, test } from 'vitest';
import { codePackages, unzip, zipInlineSource } from '../../src/services/lambda/code-package.js';
import { zip } from './support.js';

const root = mkdtempSync(join(tmpdir(), 'packages-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const packages = codePackages(join(root, 'packages'));

test('a package is unzipped, kept once for the same bytes, and removed when nothing needs it', () => {
  const bytes = zip({ 'index.js': 'a', 'lib/deep/b.js': 'b' });
  const { hash, size } = packages.add(bytes);
  expect(packages.add(bytes).hash).toBe(hash);
  expect(size).toBe(bytes.length);
  expect(readFileSync(join(packages.directoryOf(hash), 'lib/deep/b.js'), 'utf8')).toBe('b');
  expect(packages.zipOf(hash)?.length).toBe(size);
  packages.keepOnly(new Set([hash]));
  expect(existsSync(packages.directoryOf(hash))).toBe(true);
  packages.keepOnly(new Set());
  expect(existsSync(packages.directoryOf(hash))).toBe(false);
  expect(packages.zipOf(hash)).toBeUndefined();
});

test.each([
  '../evil.js',
  'a/../../evil.js',
  '/tmp/evil.js',
  'a\\..\\..\\evil.js',
  'C:/evil.js',
  './evil.js',
  'a//evil.js',
  'evil\0.js',
])('a package that names %j is refused, and nothing is written', (name) => {
  expect(() => packages.add(zip({ 'index.js': '', [name]: 'evil' }))).toThrow(InvalidParameterValueException);
  expect(readdirSync(root)).toEqual(['packages']);
  expect(readdirSync(join(root, 'packages'))).toEqual(['package.json']);
});

test('a package with a file where it has a directory is refused', () => {
  expect(() => packages.add(zip({ a: 'file', 'a/b': 'in it' }))).toThrow(InvalidParameterValueException);
  expect(readdirSync(join(root, 'packages'))).toEqual(['package.json']);
});

/** A zip file of one compressed file of a megabyte that says of itself to be of another size. */
function claiming(size: number): Uint8Array {
  const bytes = Buffer.from(zipSync({ 'zeros.bin': new Uint8Array(1_000_000) }));
  // Offset of the uncompressed size in an entry of the central directory (PKWARE's APPNOTE, section 4.3.12).
  bytes.writeUInt32LE(size, bytes.indexOf('PK\u0001\u0002', 0, 'latin1') + 24);
  return bytes;
}

test('a package that unzips to more than Lambda allows is refused before it is unzipped', () => {
  expect(() => unzip(claiming(262_144_001))).toThrow('Unzipped size must be smaller than 262144000 bytes');
});

test('an empty package is refused', () => {
  expect(() => unzip(zipSync({}))).toThrow('non-empty zip');
});

test('inline source is index.js, and the same source is the same package', () => {
  const bytes = zipInlineSource('exports.handler = async () => 1;');
  expect(Buffer.from(unzip(bytes)['index.js'] ?? []).toString()).toContain('exports.handler');
  expect(Buffer.from(zipInlineSource('exports.handler = async () => 1;')).equals(bytes)).toBe(true);
});

test('any bytes are a package or refused as Lambda refuses them', () => {
  const valid = zip({ 'index.js': 'exports.handler = async () => 1;', 'data.json': '{}' });
  const damaged = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    })
    .map((changes) => {
      const bytes = valid.slice();
      for (const [index, value] of changes) bytes[index] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      try {
        unzip(bytes);
      } catch (error) {
        if (!(error instanceof InvalidParameterValueException)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
