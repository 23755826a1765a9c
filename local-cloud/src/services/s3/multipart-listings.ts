import { checksumMembers } from './checksum.js';
import { notBuilt } from './errors.js';
import { ownerId } from './object-listings.js';
import type { S3Operations, S3State } from './state.js';
import type { Part } from './upload-store.js';

/** ListParts, ListMultipartUploads. */
export function multipartListings({ base, buckets, uploads }: S3State): S3Operations {
  return {
    ListParts(input) {
      const { Bucket: bucket = '', Key: key = '', UploadId } = input;
      buckets.get(bucket);
      const upload = uploads.get(bucket, key, UploadId);
      const marker = Number(input.PartNumberMarker ?? 0);
      const limit = Math.min(input.MaxParts ?? 1000, 1000);
      const behind = uploads.parts(upload).filter(({ number }) => number > marker);
      const page = behind.slice(0, limit);
      return {
        Bucket: bucket,
        Key: key,
        UploadId,
        PartNumberMarker: String(marker),
        NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
        MaxParts: limit,
        IsTruncated: behind.length > page.length,
        StorageClass: upload.description.storageClass,
        Owner: { ID: ownerId(base.accountId) },
        Initiator: { ID: ownerId(base.accountId) },
        ChecksumAlgorithm: upload.checksum?.algorithm,
        ChecksumType: upload.checksum?.type,
        Parts: page.map((part) => ({
          PartNumber: part.number,
          LastModified: new Date(part.lastModified),
          ETag: `"${part.md5}"`,
          Size: part.segment.size,
          ...(part.checksum ? withoutType(part.checksum) : {}),
        })),
      };
    },

    ListMultipartUploads(input) {
      const { Bucket: bucket = '', Prefix = '', Delimiter, KeyMarker = '', UploadIdMarker = '' } = input;
      buckets.get(bucket);
      if (Delimiter) throw notBuilt('A delimiter in ListMultipartUploads');
      const limit = Math.min(input.MaxUploads ?? 1000, 1000);
      const all = uploads.list(bucket).filter(({ key }) => key.startsWith(Prefix));
      const last = all.findIndex(({ key, uploadId }) => key === KeyMarker && uploadId === UploadIdMarker);
      const behind =
        last >= 0
          ? all.slice(last + 1)
          : all.filter(
              ({ key }) => KeyMarker === '' || Buffer.compare(Buffer.from(key), Buffer.from(KeyMarker)) > 0,
            );
      const page = behind.slice(0, limit);
      const isTruncated = behind.length > page.length;
      return {
        Bucket: bucket,
        KeyMarker,
        UploadIdMarker,
        Prefix,
        MaxUploads: limit,
        IsTruncated: isTruncated,
        ...(isTruncated
          ? { NextKeyMarker: page.at(-1)?.key, NextUploadIdMarker: page.at(-1)?.uploadId }
          : {}),
        Uploads: page.map(({ key, uploadId, initiated, description, checksum }) => ({
          Key: key,
          UploadId: uploadId,
          Initiated: new Date(initiated),
          StorageClass: description.storageClass,
          Owner: { ID: ownerId(base.accountId) },
          Initiator: { ID: ownerId(base.accountId) },
          ChecksumAlgorithm: checksum?.algorithm,
          ChecksumType: checksum?.type,
        })),
      };
    },
  };
}

/** The checksum of a part as outputs carry it. */
export function withoutType(checksum: NonNullable<Part['checksum']>) {
  const { ChecksumType: _, ...members } = checksumMembers({ ...checksum, type: 'FULL_OBJECT' });
  return members;
}
