import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesOrigin } from '../../src/http/origin-pattern.js';
import { withVary } from '../../src/http/vary.js';
import { matchesPath } from '../../src/services/cloudfront/behaviors.js';
import { acceptedEncodings } from '../../src/services/cloudfront/compression.js';
import { targetOfDomain } from '../../src/services/cloudfront/distribution-config.js';
import { forwardedHeaders, forwardedQuery } from '../../src/services/cloudfront/forwarding.js';

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

const ID = 'abcdefghijklmnopqrstuvwxyz012345';
test.each([
  ['pages.s3.amazonaws.com', { kind: 's3', bucket: 'pages' }],
  ['pages.s3.eu-central-1.amazonaws.com', { kind: 's3', bucket: 'pages' }],
  ['pages.s3-eu-west-1.amazonaws.com', { kind: 's3', bucket: 'pages' }],
  ['my.pages.s3.dualstack.eu-central-1.amazonaws.com', { kind: 's3', bucket: 'my.pages' }],
  ['pages.s3-website.eu-central-1.amazonaws.com', undefined],
  [`${ID}.lambda-url.eu-central-1.on.aws`, { kind: 'lambda', urlId: ID }],
  ['web.test', undefined],
])('%s is the host of %j', (domain, target) => {
  expect(targetOfDomain(domain)).toEqual(target);
});

describe('what an origin gets of a request', () => {
  const headers = {
    ...{ host: 'h', cookie: 'a=1', authorization: 'x', origin: 'https://a.test', 'user-agent': 'me' },
    ...{ 'content-type': 'text/plain', 'x-own': '1', connection: 'close' },
  };
  const behavior = { TargetOriginId: 'o', ViewerProtocolPolicy: 'allow-all' as const };
  const optimized = { ...behavior, CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6' };

  test('is little, unless a policy says more', () => {
    expect(forwardedHeaders(optimized, headers)).toEqual({
      'user-agent': 'Amazon CloudFront',
      'content-type': 'text/plain',
    });
    expect(forwardedQuery(optimized, 'a=1')).toBe('');
    const all = { ...optimized, OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac' };
    const { host: _, connection: __, ...passed } = headers;
    expect(forwardedHeaders(all, headers)).toEqual(passed);
    expect(forwardedQuery(all, 'a=1')).toBe('a=1');
    const cors = { ...optimized, OriginRequestPolicyId: '59781a5b-3903-41f3-afcb-af62929ccde1' };
    expect(forwardedHeaders(cors, headers)).toMatchObject({ origin: 'https://a.test' });
    const queries = { ...behavior, CachePolicyId: '4cc15a8a-d715-48a4-82b8-cc0b614638fe' };
    expect(forwardedQuery(queries, 'a=1')).toBe('a=1');
    expect(forwardedHeaders(queries, headers)).toMatchObject({ cookie: 'a=1' });
  });

  test('is by legacy settings all but what tells who the viewer is', () => {
    const legacy = {
      ...behavior,
      ForwardedValues: {
        QueryString: false,
        Cookies: { Forward: 'none' as const },
        Headers: { Quantity: 1, Items: ['Authorization'] },
      },
    };
    expect(forwardedHeaders(legacy, headers)).toEqual({
      ...{ authorization: 'x', origin: 'https://a.test', 'user-agent': 'Amazon CloudFront' },
      ...{ 'content-type': 'text/plain', 'x-own': '1' },
    });
    expect(forwardedQuery(legacy, 'a=1')).toBe('');
  });
});
