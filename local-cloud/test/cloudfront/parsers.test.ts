import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesOrigin } from '../../src/http/origin-pattern.js';
import { withVary } from '../../src/http/vary.js';
import { matchesPath } from '../../src/services/cloudfront/behaviors.js';
import { acceptedEncodings } from '../../src/services/cloudfront/compression.js';
import { bucketOfDomain } from '../../src/services/cloudfront/distribution-config.js';

describe('path patterns', () => {
  test.each([
    ['*', '/', true],
    ['/images/*', '/images/a/b.jpg', true],
    ['images/*.jpg', '/images/a/b.jpg', true],
    ['/images/*', '/Images/a', false],
    ['/a??.gif', '/a12.gif', true],
    ['/a??.gif', '/a1.gif', false],
    ['*.js', '/deep/app.js', true],
    ['*.js', '/app.json', false],
    ['/a*', '/b', false],
    ['', '/', true],
  ])('%s for %s: %s', (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });

  test('match as the regular expression of the same meaning does', () => {
    const piece = fc.constantFrom('a', 'b', '/', '*', '?', '.');
    const text = fc.array(fc.constantFrom('a', 'b', '/', '.'), { maxLength: 10 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), text, (pieces, characters) => {
        const pattern = `/${pieces.join('')}`;
        const path = `/${characters.join('')}`;
        const source = pattern.replace(/[.]/g, '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesPath(pattern, path)).toBe(new RegExp(`^${source}$`).test(path));
      }),
    );
  });

  test('take no time to speak of, whatever they are', () => {
    expect(matchesPath(`/${'*a'.repeat(125)}b`, `/${'a'.repeat(5000)}`)).toBe(false);
  });
});

describe('origins', () => {
  test.each([
    ['*', 'null', true],
    ['https://a.test', 'https://a.test', true],
    ['https://a.test', 'https://a.test:8443', false],
    ['https://a.test', 'http://a.test', false],
    ['https://*.a.test', 'https://x.y.a.test', true],
    ['https://www*.a.test', 'https://www.a.test', true],
    ['https://*.a.test', 'https://a.test', false],
    ['https://*.a.test', 'https://evil-a.test', false],
    ['https://*.a.test', 'https://evil.test/.a.test', false],
    ['http://localhost:*', 'http://localhost:5173', true],
    ['https://a.test*', 'https://a.test.evil.test', true],
    ['https://*.*', 'https://a.test', false],
  ])('%s for %s: %s', (pattern, origin, expected) => {
    expect(matchesOrigin(pattern, origin)).toBe(expected);
  });

  test('without a wildcard are only themselves', () => {
    const origin = fc
      .tuple(fc.constantFrom('http', 'https'), fc.domain())
      .map(([scheme, host]) => `${scheme}://${host}`);
    fc.assert(
      fc.property(origin, origin, (a, b) => {
        expect(matchesOrigin(a, a)).toBe(true);
        expect(matchesOrigin(a, b)).toBe(a.toLowerCase() === b.toLowerCase());
      }),
    );
  });
});

test('encodings that a client takes are read from any header', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      acceptedEncodings(header);
    }),
  );
  expect([...acceptedEncodings('GZIP;q=0.5, br;q=0, ,deflate')]).toEqual(['gzip', 'deflate']);
});

test('a Vary header names each header once', () => {
  expect([undefined, 'origin', 'Accept', '*'].map((vary) => withVary(vary, 'Origin'))).toEqual([
    'Origin',
    'origin',
    'Accept, Origin',
    '*',
  ]);
});

test.each([
  ['pages.s3.amazonaws.com', 'pages'],
  ['pages.s3.eu-central-1.amazonaws.com', 'pages'],
  ['pages.s3-eu-west-1.amazonaws.com', 'pages'],
  ['my.pages.s3.dualstack.eu-central-1.amazonaws.com', 'my.pages'],
  ['pages.s3-website.eu-central-1.amazonaws.com', undefined],
  ['web.test', undefined],
])('%s is the host of the bucket %s', (domain, bucket) => {
  expect(bucketOfDomain(domain)).toBe(bucket);
});
