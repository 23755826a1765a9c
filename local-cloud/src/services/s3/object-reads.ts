import type { GetObjectCommandInput, HeadObjectCommandInput } from '@aws-sdk/client-s3';
import { AwsError } from '../../errors.js';
import { type ByteRange, byteRange } from '../../http/byte-range.js';
import type { Call } from '../../service.js';
import type { S3Access } from './access.js';
import type { Bucket } from './bucket-store.js';
import { checksumMembers } from './checksum.js';
import { invalidArgument, methodNotAllowed, noSuchKey, noSuchVersion } from './errors.js';
import type { ObjectVersion, StoredObject } from './object-store.js';
import { checkRead } from './preconditions.js';
import type { S3Operations, S3State } from './state.js';

/** GetObject, HeadObject, GetObjectAttributes. */
export function objectReads({ buckets, objects, blobs }: S3State, access: S3Access): S3Operations {
  /** The version that a request means. @throws AwsError when there is none, or it is a delete marker. */
  function find(bucket: Bucket, key: string, versionId: string | undefined, call: Call): StoredObject {
    const version =
      versionId === undefined
        ? objects.current(bucket.name, key)
        : objects.version(bucket.name, key, versionId);
    if (!version) {
      access.requireListing(call, bucket);
      throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
    }
    if (version.deleteMarker) {
      if (versionId !== undefined) throw methodNotAllowed(call.request.method, 'DeleteMarker');
      access.requireListing(call, bucket);
      throw noSuchKey(key);
    }
    return version;
  }

  function read(input: GetObjectCommandInput | HeadObjectCommandInput, call: Call) {
    const bucket = buckets.get(input.Bucket ?? '');
    const object = find(bucket, input.Key ?? '', input.VersionId, call);
    checkRead(object, input);
    refuseAnonymousOverrides(input, call);
    const range = rangeOf(object, input);
    const { start, end } = range ?? { start: 0, end: object.size };
    const isPart = input.PartNumber !== undefined;
    return {
      bytes: { start, end },
      segments: object.segments,
      output: {
        ...describe(bucket, object),
        ...overrides(input),
        ContentLength: end - start,
        ...(range ? { ContentRange: `bytes ${start}-${end - 1}/${object.size}` } : {}),
        ...(isPart && object.parts ? { PartsCount: object.parts.length } : {}),
        ...(input.ChecksumMode === 'ENABLED' && !range ? checksumMembers(object.checksum) : {}),
      },
    };
  }

  return {
    GetObject(input, call) {
      const { bytes, segments, output } = read(input, call);
      return { ...output, Body: blobs.read(segments, bytes.start, bytes.end) };
    },
    HeadObject: (input, call) => read(input, call).output,
    GetObjectAttributes(input, call) {
      const bucket = buckets.get(input.Bucket ?? '');
      const object = find(bucket, input.Key ?? '', input.VersionId, call);
      const wanted = new Set<string>((input.ObjectAttributes ?? []).map(String));
      return {
        LastModified: new Date(object.lastModified),
        ...versionOf(bucket, object),
        ...(wanted.has('ETag') ? { ETag: object.etag.slice(1, -1) } : {}),
        ...(wanted.has('Checksum') && object.checksum ? { Checksum: checksumMembers(object.checksum) } : {}),
        ...(wanted.has('ObjectParts') && object.parts ? { ObjectParts: partsOf(object, input) } : {}),
        ...(wanted.has('StorageClass') ? { StorageClass: object.storageClass } : {}),
        ...(wanted.has('ObjectSize') ? { ObjectSize: object.size } : {}),
      };
    },
  };
}

/** The version id as outputs carry it: not of buckets that never had versioning. */
export function versionOf(bucket: Bucket, version: ObjectVersion): { VersionId?: string } {
  return bucket.versioning ? { VersionId: version.versionId } : {};
}

function describe(bucket: Bucket, object: StoredObject) {
  const { ExpiresString, ...headers } = object.headers;
  const tagCount = Object.keys(object.tags).length;
  return {
    AcceptRanges: 'bytes',
    LastModified: new Date(object.lastModified),
    ETag: object.etag,
    ServerSideEncryption: object.encryption,
    Metadata: { ...object.metadata },
    ...headers,
    ...(ExpiresString === undefined ? {} : { Expires: new Date(ExpiresString), ExpiresString }),
    ...(object.storageClass === 'STANDARD' ? {} : { StorageClass: object.storageClass }),
    ...(tagCount > 0 ? { TagCount: tagCount } : {}),
    ...versionOf(bucket, object),
  };
}

function rangeOf(
  object: StoredObject,
  input: { Range?: string; PartNumber?: number },
): ByteRange | undefined {
  if (input.PartNumber === undefined) return byteRange(input.Range, object.size);
  if (input.Range !== undefined) {
    throw new AwsError('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  const { PartNumber: number } = input;
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw invalidArgument(
      'partNumber',
      String(number),
      'Part number must be an integer between 1 and 10000, inclusive',
    );
  }
  if (!object.parts && number === 1) return object.size > 0 ? { start: 0, end: object.size } : undefined;
  let start = 0;
  for (const [index, { size }] of object.segments.entries()) {
    if (object.parts?.[index]?.number === number) return { start, end: start + size };
    start += size;
  }
  throw new AwsError('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416);
}

const OVERRIDES = [
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'ContentType',
] as const;

/** Headers that the caller wants in place of the object's own. */
function overrides(input: GetObjectCommandInput | HeadObjectCommandInput) {
  const wanted = OVERRIDES.flatMap((header) => {
    const value = input[`Response${header}`];
    return value === undefined ? [] : [[header, value]];
  });
  const expires = input.ResponseExpires;
  return {
    ...Object.fromEntries(wanted),
    ...(expires === undefined ? {} : { Expires: expires, ExpiresString: expires.toUTCString() }),
  };
}

function refuseAnonymousOverrides(input: GetObjectCommandInput | HeadObjectCommandInput, call: Call): void {
  if (call.principal.kind !== 'anonymous' || Object.keys(overrides(input)).length === 0) return;
  throw new AwsError(
    'InvalidRequest',
    'Request specific response headers cannot be used for anonymous GET requests.',
  );
}

function partsOf(object: StoredObject, input: { PartNumberMarker?: string; MaxParts?: number }) {
  const marker = Number(input.PartNumberMarker ?? 0);
  const limit = Math.min(input.MaxParts ?? 1000, 1000);
  const behind = (object.parts ?? [])
    .map((part, index) => ({ ...part, size: object.segments[index]?.size ?? 0 }))
    .filter(({ number }) => number > marker);
  const page = behind.slice(0, limit);
  const algorithm = object.checksum?.algorithm;
  return {
    TotalPartsCount: object.parts?.length,
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
    MaxParts: limit,
    IsTruncated: behind.length > page.length,
    // Parts are listed only where each has a checksum of its own.
    ...(algorithm && page.every(({ checksum }) => checksum !== undefined)
      ? {
          Parts: page.map(({ number, size, checksum }) => ({
            PartNumber: number,
            Size: size,
            [`Checksum${algorithm}`]: checksum,
          })),
        }
      : {}),
  };
}
