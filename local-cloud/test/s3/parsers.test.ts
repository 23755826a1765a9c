import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AwsError } from '../../src/errors.js';
import { byteRange } from '../../src/http/byte-range.js';
import { addressOf, isBucketName } from '../../src/services/s3/addressing.js';
import { AwsChunkedDecoder } from '../../src/services/s3/aws-chunked.js';
import { checksumOfParts, startChecksum } from '../../src/services/s3/checksum.js';

describe('the aws-chunked encoding', () => {
  const encode = (chunks: readonly Uint8Array[], signed: boolean, trailers: readonly string[]) =>
    Buffer.concat([
      ...[...chunks.filter(({ length }) => length > 0), Buffer.alloc(0)].flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)}${signed ? `;chunk-signature=${'a'.repeat(64)}` : ''}\r\n`),
        chunk,
        ...(chunk.length > 0 ? [Buffer.from('\r\n')] : []),
      ]),
      ...trailers.map((trailer) => Buffer.from(`${trailer}\r\n`)),
      Buffer.from('\r\n'),
    ]);

  test('gives back what was sent, however it is split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
        fc.boolean(),
        fc.array(fc.constantFrom('x-amz-checksum-crc32:AAAAAA==', 'x-amz-trailer-signature: abc'), {
          maxLength: 2,
        }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
        (chunks, signed, trailers, sizes) => {
          const wire = encode(chunks, signed, trailers);
          const decoder = new AwsChunkedDecoder();
          const out: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < wire.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            out.push(...decoder.push(wire.subarray(at, at + size)));
            at += size;
          }
          decoder.end();
          expect(Buffer.concat(out).equals(Buffer.concat(chunks))).toBe(true);
          if (trailers.includes('x-amz-trailer-signature: abc')) {
            expect(decoder.trailers.get('x-amz-trailer-signature')).toBe('abc');
          }
        },
      ),
    );
  });

  test('never fails but with an error for the caller', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
        const decoder = new AwsChunkedDecoder();
        try {
          for (const piece of pieces) decoder.push(piece);
          decoder.end();
        } catch (error) {
          expect(error).toBeInstanceOf(AwsError);
        }
      }),
    );
  });

  test.each([
    ['3\r\nabcdef\r\n0\r\n\r\n', 'InvalidRequest'],
    ['zz\r\n', 'InvalidRequest'],
    ['3\r\nab', 'IncompleteBody'],
    ['3\r\nabc\r\n', 'IncompleteBody'],
    ['0\r\nnonsense\r\n\r\n', 'InvalidRequest'],
    [`${'1'.repeat(20_000)}`, 'InvalidRequest'],
  ])('%j is refused with %s', (wire, code) => {
    const decoder = new AwsChunkedDecoder();
    expect(() => {
      decoder.push(Buffer.from(wire));
      decoder.end();
    }).toThrow(expect.objectContaining({ code }));
  });
});

describe('the Range header', () => {
  test.each([
    ['bytes=0-0', 10, { start: 0, end: 1 }],
    ['bytes=5-', 10, { start: 5, end: 10 }],
    ['bytes=-4', 10, { start: 6, end: 10 }],
    ['bytes=-40', 10, { start: 0, end: 10 }],
    ['bytes=8-99', 10, { start: 8, end: 10 }],
    ['bytes=5-4', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['bytes=-', 10, undefined],
    ['items=0-1', 10, undefined],
    [undefined, 10, undefined],
  ])('%s of %d bytes', (header, size, expected) => {
    expect(byteRange(header, size)).toEqual(expected);
  });

  test.each([
    ['bytes=10-', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=-1', 0],
  ])('%s of %d bytes cannot be satisfied', (header, size) => {
    expect(() => byteRange(header, size)).toThrow(expect.objectContaining({ code: 'InvalidRange' }));
  });

  test('is always within the object', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat({ max: 100 }), fc.nat({ max: 100 }), (noise, size, a, b) => {
        for (const header of [noise, `bytes=${a}-${b}`, `bytes=-${a}`, `bytes=${a}-`, `bytes=${noise}`]) {
          try {
            const range = byteRange(header, size);
            if (range) expect(range.start >= 0 && range.start < range.end && range.end <= size).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'InvalidRange' });
          }
        }
      }),
    );
  });
});

describe('checksums', () => {
  // Check values of the catalogue of parametrised CRC algorithms, and of the standards' own examples.
  test.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ] as const)('%s of 123456789', (algorithm, expected) => {
    const sum = startChecksum(algorithm);
    sum.update(Buffer.from('123456789'));
    expect(sum.digest().toString('hex')).toBe(expected);
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    '%s of parts joins to that of the whole',
    (algorithm) => {
      const sumOf = (data: Uint8Array, cut: number) => {
        const sum = startChecksum(algorithm);
        sum.update(data.subarray(0, cut));
        sum.update(data.subarray(cut));
        return sum.digest().toString('base64');
      };
      const data = randomBytes(1000);
      fc.assert(
        fc.property(fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), fc.nat({ max: 50 }), (x, y, cut) => {
          const [from, to] = [Math.min(x, y), Math.max(x, y)];
          const parts = [data.subarray(0, from), data.subarray(from, to), data.subarray(to)];
          const joined = checksumOfParts(
            algorithm,
            'FULL_OBJECT',
            parts.map((part) => ({ checksum: sumOf(part, cut), size: part.length })),
          );
          expect(joined.value).toBe(sumOf(data, from));
        }),
        { numRuns: 30 },
      );
    },
  );
});

describe('addresses', () => {
  const address = (host: string, path: string) => addressOf({ headers: { host }, path } as never);

  test.each([
    ['127.0.0.1:4566', '/bucket/a/b', 'bucket', '/a/b'],
    ['localhost:4566', '/bucket', 'bucket', '/'],
    ['localhost', '/', undefined, '/'],
    ['s3.eu-central-1.amazonaws.com', '/bucket/k', 'bucket', '/k'],
    ['bucket.s3.eu-central-1.amazonaws.com', '/k', 'bucket', '/k'],
    ['bucket.localhost:4566', '/k//l', 'bucket', '/k//l'],
    ['my.bucket.s3.localhost:4566', '/', 'my.bucket', '/'],
    ['127.0.0.1', '/bucket//k', 'bucket', '//k'],
  ])('%s%s is bucket %s and path %s', (host, path, bucket, rest) => {
    expect(address(host, path)).toEqual({ bucket, path: rest });
  });

  test.each(['abc', 'my.bucket-1', 'a'.repeat(63)])('%s may be a bucket', (name) => {
    expect(isBucketName(name)).toBe(true);
  });
  test.each([
    'ab',
    'Abc',
    '-abc',
    'abc-',
    'a..b',
    '10.0.0.1',
    'xn--abc',
    'a'.repeat(64),
    'a_b',
    'abc-s3alias',
  ])('%s may not', (name) => {
    expect(isBucketName(name)).toBe(false);
  });
});
