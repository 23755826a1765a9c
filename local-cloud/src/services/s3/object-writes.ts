import type { CopyObjectCommandInput } from '@aws-sdk/client-s3';
import { AwsError } from '../../errors.js';
import type { HttpRequest } from '../../http/messages.js';
import type { S3Access } from './access.js';
import { asStream, type Segment } from './blob-store.js';
import { type Checksum, type ChecksumAlgorithm, checksumAlgorithm, checksumMembers } from './checksum.js';
import { copySource } from './copy-source.js';
import { notBuilt } from './errors.js';
import { checkKey, describe } from './object-description.js';
import { versionOf } from './object-reads.js';
import type { ObjectData, ObjectDescription, StoredObject } from './object-store.js';
import { checkCopySource, checkWrite } from './preconditions.js';
import { type BodySums, hasDeclaredLength, requestBody } from './request-body.js';
import type { S3Operations, S3State } from './state.js';

/** Largest object that one request may bring, in bytes (S3 user guide, "Uploading objects"). */
const LARGEST_PUT = 5 * 1024 ** 3;

/** PutObject, CopyObject, DeleteObject, DeleteObjects. */
export function objectWrites(state: S3State, access: S3Access): S3Operations {
  const { buckets, objects, blobs } = state;
  return {
    async PutObject(input, { request }) {
      const { Bucket: name = '', Key: key = '' } = input;
      checkKey(key);
      const description = describe(buckets.get(name), input);
      if (input.WriteOffsetBytes !== undefined) throw notBuilt('Appending to an object');
      checkWrite(key, objects.current(name, key), input);
      const { segment, sums } = await receive(state, request);
      return keep(state, name, key, input, { ...description, ...data(segment, sums) });
    },

    async CopyObject(input, call) {
      const { Bucket: name = '', Key: key = '' } = input;
      checkKey(key);
      const source = copySource(state, input.CopySource ?? '', access, call);
      checkCopySource(source.object, input);
      const replaces = input.MetadataDirective === 'REPLACE';
      if (source.bucket.name === name && source.key === key && !replaces && !changesAnything(input)) {
        throw new AwsError(
          'InvalidRequest',
          "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        );
      }
      const description = describeCopy(buckets.get(name), input, source.object);
      const algorithm = checksumAlgorithm(input.ChecksumAlgorithm ?? '');
      const copy = shared(source.object, algorithm) ?? (await rewritten(state, source.object, algorithm));
      const { VersionId, ServerSideEncryption, ETag } = keep(
        state,
        name,
        key,
        {},
        { ...description, ...copy },
      );
      return {
        VersionId,
        ServerSideEncryption,
        ...(source.bucket.versioning ? { CopySourceVersionId: source.object.versionId } : {}),
        CopyObjectResult: {
          ETag,
          LastModified: new Date(objects.current(name, key)?.lastModified ?? state.base.clock.now()),
          ...checksumMembers(copy.checksum),
        },
      };
    },

    DeleteObject({ Bucket: name = '', Key: key = '', VersionId, IfMatch }) {
      const bucket = buckets.get(name);
      if (IfMatch !== undefined) checkWrite(key, objects.current(name, key), { IfMatch });
      const deleted = blobs.commit(() => objects.delete(bucket, key, VersionId));
      return { VersionId: deleted.versionId, DeleteMarker: deleted.deleteMarker };
    },

    DeleteObjects({ Bucket: name = '', Delete: request }, call) {
      const bucket = buckets.get(name);
      const wanted = request?.Objects ?? [];
      if (wanted.length === 0 || wanted.length > 1000) {
        throw new AwsError(
          'MalformedXML',
          'The XML you provided was not well-formed or did not validate against our published schema',
        );
      }
      const errors: { Key?: string; VersionId?: string; Code: string; Message: string }[] = [];
      const deleted = blobs.commit(() =>
        wanted.flatMap(({ Key = '', VersionId }) => {
          const refusal = access.refusalToDelete(call, bucket, Key, VersionId);
          if (refusal) {
            errors.push({ Key, VersionId, Code: 'AccessDenied', Message: refusal });
            return [];
          }
          const result = objects.delete(bucket, Key, VersionId);
          return [
            {
              Key,
              VersionId,
              ...(result.deleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: result.versionId } : {}),
            },
          ];
        }),
      );
      return { Deleted: request?.Quiet ? [] : deleted, Errors: errors };
    },
  };
}

/** Receives a request's body into a blob; leaves none when it is not what the caller declared. */
export async function receive(
  { blobs }: S3State,
  request: HttpRequest,
  alsoCompute?: ChecksumAlgorithm,
): Promise<{ segment: Segment; sums: BodySums }> {
  if (!hasDeclaredLength(request)) {
    throw new AwsError('MissingContentLength', 'You must provide the Content-Length HTTP header.', 411);
  }
  const length = Number(request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length']);
  if (length > LARGEST_PUT) {
    throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400, {
      ProposedSize: String(length),
      MaxSizeAllowed: String(LARGEST_PUT),
    });
  }
  const body = requestBody(request, alsoCompute);
  const segment = await blobs.write(body.parts());
  return { segment, sums: body.sums() };
}

/** Makes data that have been received the current version of a key, if the conditions still hold. */
export function keep(
  { buckets, objects, blobs }: S3State,
  name: string,
  key: string,
  conditions: { IfMatch?: string; IfNoneMatch?: string },
  data: ObjectData,
) {
  try {
    return blobs.commit(() => {
      // The bucket and the object may have changed while the data came.
      const bucket = buckets.get(name);
      checkWrite(key, objects.current(name, key), conditions);
      const object = objects.put(bucket, key, data);
      return {
        ETag: object.etag,
        ServerSideEncryption: object.encryption,
        ...versionOf(bucket, object),
        ...checksumMembers(object.checksum),
      };
    });
  } catch (error) {
    for (const segment of data.segments) blobs.discard(segment);
    throw error;
  }
}

/** What is kept of a body that was received into one blob. */
export function data(segment: Segment, sums: BodySums): DataOnly {
  const checksum: Checksum | undefined = sums.checksum && { ...sums.checksum, type: 'FULL_OBJECT' };
  return {
    size: sums.size,
    etag: `"${sums.md5.toString('hex')}"`,
    segments: [segment],
    ...(checksum ? { checksum } : {}),
  };
}

type DataOnly = Omit<ObjectData, keyof ObjectDescription>;

/** The data of a copy that shares the source's, which it may where entity tag and checksum stay the same. */
function shared(source: StoredObject, algorithm: ChecksumAlgorithm | undefined): DataOnly | undefined {
  const { size, etag, segments, checksum, parts } = source;
  if (parts || (algorithm !== undefined && algorithm !== checksum?.algorithm)) return undefined;
  return { size, etag, segments, ...(checksum ? { checksum } : {}) };
}

/** The data of a copy written anew: of an object that came in parts, or with another checksum. */
async function rewritten(
  { blobs }: S3State,
  { segments, size, checksum }: StoredObject,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<DataOnly> {
  const bytes = blobs.read(segments, 0, size);
  const body = requestBody({ headers: {}, body: asStream(bytes) }, algorithm ?? checksum?.algorithm);
  const segment = await blobs.write(body.parts());
  return data(segment, body.sums());
}

function describeCopy(
  bucket: Parameters<typeof describe>[0],
  input: CopyObjectCommandInput,
  source: StoredObject,
): ObjectDescription {
  const own = describe(bucket, input);
  const { headers, metadata } = input.MetadataDirective === 'REPLACE' ? own : source;
  return {
    ...own,
    headers,
    metadata,
    tags: input.TaggingDirective === 'REPLACE' ? own.tags : source.tags,
  };
}

function changesAnything(input: CopyObjectCommandInput): boolean {
  return (
    input.StorageClass !== undefined ||
    input.WebsiteRedirectLocation !== undefined ||
    input.ServerSideEncryption !== undefined ||
    input.ChecksumAlgorithm !== undefined ||
    input.TaggingDirective === 'REPLACE' ||
    (input.CopySource ?? '').includes('versionId=')
  );
}
