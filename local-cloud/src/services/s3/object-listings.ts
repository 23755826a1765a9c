import type { EncodingType } from '@aws-sdk/client-s3';
import { readToken, writeToken } from '../../paging.js';
import { invalidArgument } from './errors.js';
import { keyPage } from './listing.js';
import type { StoredObject } from './object-store.js';
import type { S3Operations, S3State } from './state.js';

/** Most keys of one page. */
const PAGE = 1000;

/** ListObjectsV2, ListObjects. */
export function objectListings({ buckets, objects, base }: S3State): S3Operations {
  const owner = { ID: ownerId(base.accountId) };

  function page(
    bucket: string,
    input: { Prefix?: string; Delimiter?: string; MaxKeys?: number },
    after: string | undefined,
  ) {
    const prefix = input.Prefix ?? '';
    return keyPage({
      entriesAfter: (from) =>
        objects.list(bucket, { prefix, ...(from === undefined ? {} : { after: from }) }),
      include: (version) => !version.deleteMarker,
      prefix,
      delimiter: input.Delimiter === '' ? undefined : input.Delimiter,
      after,
      limit: maxKeys(input.MaxKeys),
    });
  }

  const contents = (
    items: readonly [string, unknown][],
    encode: (key: string) => string,
    withOwner: boolean,
  ) =>
    (items as readonly [string, StoredObject][]).map(([key, object]) => ({
      Key: encode(key),
      LastModified: new Date(object.lastModified),
      ETag: object.etag,
      ...(object.checksum
        ? { ChecksumAlgorithm: [object.checksum.algorithm], ChecksumType: object.checksum.type }
        : {}),
      Size: object.size,
      StorageClass: object.storageClass,
      ...(withOwner ? { Owner: owner } : {}),
    }));

  return {
    ListObjectsV2(input) {
      const { Bucket: name = '', Prefix = '', Delimiter, StartAfter, ContinuationToken: token } = input;
      buckets.get(name);
      const encode = encoder(input.EncodingType);
      const after = token === undefined ? StartAfter : fromToken(token);
      const { items, commonPrefixes, next } = page(name, input, after);
      return {
        Name: name,
        Prefix: encode(Prefix),
        Delimiter: Delimiter && encode(Delimiter),
        MaxKeys: maxKeys(input.MaxKeys),
        EncodingType: input.EncodingType,
        KeyCount: items.length + commonPrefixes.length,
        IsTruncated: next !== undefined,
        ContinuationToken: token,
        NextContinuationToken: next === undefined ? undefined : writeToken(next),
        StartAfter: StartAfter && encode(StartAfter),
        Contents: contents(items, encode, input.FetchOwner === true),
        CommonPrefixes: commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      };
    },

    ListObjects(input) {
      const { Bucket: name = '', Prefix = '', Delimiter, Marker } = input;
      buckets.get(name);
      const encode = encoder(input.EncodingType);
      const { items, commonPrefixes, next } = page(name, input, Marker === '' ? undefined : Marker);
      return {
        Name: name,
        Prefix: encode(Prefix),
        Marker: encode(Marker ?? ''),
        Delimiter: Delimiter && encode(Delimiter),
        MaxKeys: maxKeys(input.MaxKeys),
        EncodingType: input.EncodingType,
        IsTruncated: next !== undefined,
        // Without a delimiter callers go on behind the last key they got.
        NextMarker: next !== undefined && Delimiter ? encode(next) : undefined,
        Contents: contents(items, encode, true),
        CommonPrefixes: commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      };
    },
  };
}

/** The id by which S3 names an account's owner: 64 hexadecimal digits that have nothing to do with its number. */
export function ownerId(accountId: string): string {
  return accountId.padStart(64, '0');
}

/** How many entries a page may have. */
export function maxKeys(given: number | undefined): number {
  if (given === undefined) return PAGE;
  if (!Number.isInteger(given) || given < 0) {
    throw invalidArgument(
      'max-keys',
      String(given),
      'Argument maxKeys must be an integer between 0 and 2147483647',
    );
  }
  return Math.min(given, PAGE);
}

/** How the caller wants keys to be written. */
export function encoder(type: EncodingType | undefined): (text: string) => string {
  if (type === undefined) return (text) => text;
  if (type !== 'url')
    throw invalidArgument('encoding-type', type, 'Invalid Encoding Method specified in Request');
  return (text) =>
    encodeURIComponent(text)
      .replace(/%2F/g, '/')
      .replace(/[!'()]/g, percent);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function fromToken(token: string): string {
  return readToken(token, () =>
    invalidArgument('continuation-token', token, 'The continuation token provided is incorrect'),
  );
}
