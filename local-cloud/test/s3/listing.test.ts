import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { keyPage } from '../../src/services/s3/listing.js';
import { clientConfig, startCloud } from '../support/cloud.js';

let s3: S3Client;

beforeAll(async () => {
  s3 = new S3Client(clientConfig(await startCloud()));
  await s3.send(
    new CreateBucketCommand({
      Bucket: 'listed',
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
  for (const Key of ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'ü', '\u{1f600}', '\uffee', 'sp ace+&']) {
    await s3.send(new PutObjectCommand({ Bucket: 'listed', Key, Body: 'x' }));
  }
});

async function list(input: Partial<ListObjectsV2CommandInput>) {
  const { Contents, CommonPrefixes } = await s3.send(
    new ListObjectsV2Command({ Bucket: 'listed', ...input }),
  );
  return [...(Contents ?? []).map(({ Key }) => Key), ...(CommonPrefixes ?? []).map(({ Prefix }) => Prefix)];
}

test('keys come in the order of their bytes', async () => {
  expect(await list({})).toEqual(['a', 'b/1', 'b/2', 'b/c/3', 'd', 'sp ace+&', 'ü', '\uffee', '\u{1f600}']);
});

test('prefix, delimiter and start-after choose among them', async () => {
  expect(await list({ Prefix: 'b/' })).toEqual(['b/1', 'b/2', 'b/c/3']);
  expect(await list({ Prefix: 'b/', Delimiter: '/' })).toEqual(['b/1', 'b/2', 'b/c/']);
  expect(await list({ Delimiter: '/', Prefix: '', StartAfter: 'a', MaxKeys: 2 })).toEqual(['d', 'b/']);
  expect(await list({ StartAfter: 'b/2', MaxKeys: 1 })).toEqual(['b/c/3']);
});

test('pages join to the whole, with common prefixes too', async () => {
  const seen: (string | undefined)[] = [];
  const pages = paginateListObjectsV2({ client: s3, pageSize: 1 }, { Bucket: 'listed', Delimiter: '/' });
  for await (const { Contents = [], CommonPrefixes = [] } of pages) {
    seen.push(...Contents.map(({ Key }) => Key), ...CommonPrefixes.map(({ Prefix }) => Prefix));
  }
  expect(seen).toEqual(['a', 'b/', 'd', 'sp ace+&', 'ü', '\uffee', '\u{1f600}']);
});

test('the first version of the operation goes on by marker', async () => {
  const first = await s3.send(new ListObjectsCommand({ Bucket: 'listed', Delimiter: '/', MaxKeys: 2 }));
  expect(first).toMatchObject({ IsTruncated: true, NextMarker: 'b/' });
  const second = await s3.send(
    new ListObjectsCommand({ Bucket: 'listed', Delimiter: '/', Marker: first.NextMarker, MaxKeys: 1 }),
  );
  expect(second.Contents?.map(({ Key }) => Key)).toEqual(['d']);
});

test('keys are encoded when the caller asks for it', async () => {
  expect(await list({ EncodingType: 'url', Prefix: 'sp' })).toEqual(['sp%20ace%2B%26']);
});

test('a continuation token that was not given out is refused', async () => {
  await expect(list({ ContinuationToken: '%%%' })).rejects.toMatchObject({ name: 'InvalidArgument' });
});

test('any keys, prefix, delimiter and page size: the pages join to what a plain grouping gives', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      fc.uniqueArray(letters, { maxLength: 25 }),
      fc.constantFrom('', 'a', 'a/', 'b'),
      fc.constantFrom(undefined, '/', 'b'),
      fc.integer({ min: 1, max: 4 }),
      (unordered, prefix, delimiter, limit) => {
        const keys = unordered.sort().filter((key) => key.startsWith(prefix));
        const expected = new Set<string>();
        for (const key of keys) {
          const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
          expected.add(at < 0 || !delimiter ? key : `${key.slice(0, at + delimiter.length)} (group)`);
        }
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = keyPage({
            entriesAfter: (from) =>
              keys
                .filter((key) => from === undefined || key > from)
                .map((key) => [key, key] as const)
                .map(([a, b]): [string, string] => [a, b]),
            prefix,
            delimiter,
            after,
            limit,
          });
          expect(page.items.length + page.commonPrefixes.length).toBeLessThanOrEqual(limit);
          seen.push(
            ...page.items.map(([key]) => key),
            ...page.commonPrefixes.map((group) => `${group} (group)`),
          );
          after = page.next;
        } while (after !== undefined);
        expect([...seen].sort()).toEqual([...expected].sort());
      },
    ),
  );
});
