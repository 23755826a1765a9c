import { createHash } from 'node:crypto';
import { AwsError } from '../../errors.js';
import type { S3Access } from './access.js';
import { asStream } from './blob-store.js';
import { byteRange } from './byte-range.js';
import {
  type Checksum,
  type ChecksumAlgorithm,
  checksumAlgorithm,
  checksumMembers,
  checksumOfParts,
  isCrc,
} from './checksum.js';
import { copySource } from './copy-source.js';
import { invalidArgument, notBuilt } from './errors.js';
import { checkKey, describe } from './object-description.js';
import { ownerId } from './object-listings.js';
import { keep, receive } from './object-writes.js';
import { checkCopySource, checkWrite } from './preconditions.js';
import { requestBody } from './request-body.js';
import type { S3Operations, S3State } from './state.js';
import type { Part, Upload } from './upload-store.js';

/** Smallest size of a part but the last, in bytes (S3 user guide, "Amazon S3 multipart upload limits"). */
const SMALLEST_PART = 5 * 1024 * 1024;

/** CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload and the lists. */
export function multipart(state: S3State, access: S3Access): S3Operations {
  const { base, buckets, objects, uploads, blobs } = state;

  function keepPart(upload: Upload, part: Omit<Part, 'lastModified'>): Part {
    const kept = { ...part, lastModified: base.clock.now() };
    try {
      blobs.commit(() => {
        // The upload may have ended while the part came.
        uploads.get(upload.bucket, upload.key, upload.uploadId);
        uploads.putPart(upload, kept);
      });
    } catch (error) {
      blobs.discard(part.segment);
      throw error;
    }
    return kept;
  }

  return {
    CreateMultipartUpload(input) {
      const { Bucket: bucket = '', Key: key = '' } = input;
      checkKey(key);
      const description = describe(buckets.get(bucket), input);
      const upload = uploads.create({ bucket, key, description, checksum: checksumOf(input) });
      return {
        Bucket: bucket,
        Key: key,
        UploadId: upload.uploadId,
        ServerSideEncryption: description.encryption,
        ChecksumAlgorithm: upload.checksum?.algorithm,
        ChecksumType: upload.checksum?.type,
      };
    },

    async UploadPart(input, { request }) {
      const { Bucket: bucket = '', Key: key = '', UploadId, PartNumber } = input;
      buckets.get(bucket);
      const upload = uploads.get(bucket, key, UploadId);
      const number = partNumber(PartNumber);
      const { segment, sums } = await receive(state, request, upload.checksum?.algorithm);
      if (upload.checksum && sums.checksum && sums.checksum.algorithm !== upload.checksum.algorithm) {
        blobs.discard(segment);
        throw new AwsError(
          'InvalidRequest',
          `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm.toLowerCase()}, actual checksum Type: ${sums.checksum.algorithm.toLowerCase()}`,
        );
      }
      const md5 = sums.md5.toString('hex');
      keepPart(upload, { number, md5, segment, checksum: sums.checksum });
      return {
        ETag: `"${md5}"`,
        ServerSideEncryption: upload.description.encryption,
        ...(sums.checksum ? withoutType(sums.checksum) : {}),
      };
    },

    async UploadPartCopy(input, call) {
      const { Bucket: bucket = '', Key: key = '', UploadId, PartNumber, CopySourceRange } = input;
      buckets.get(bucket);
      const upload = uploads.get(bucket, key, UploadId);
      const number = partNumber(PartNumber);
      const source = copySource(state, input.CopySource ?? '', access, call);
      checkCopySource(source.object, input);
      const { size, segments } = source.object;
      const range = byteRange(CopySourceRange, size) ?? { start: 0, end: size };
      const body = requestBody(
        { headers: {}, body: asStream(blobs.read(segments, range.start, range.end)) },
        upload.checksum?.algorithm,
      );
      const segment = await blobs.write(body.parts());
      const sums = body.sums();
      const md5 = sums.md5.toString('hex');
      const part = keepPart(upload, { number, md5, segment, checksum: sums.checksum });
      return {
        ServerSideEncryption: upload.description.encryption,
        ...(source.bucket.versioning ? { CopySourceVersionId: source.object.versionId } : {}),
        CopyPartResult: {
          ETag: `"${md5}"`,
          LastModified: new Date(part.lastModified),
          ...(sums.checksum ? withoutType(sums.checksum) : {}),
        },
      };
    },

    CompleteMultipartUpload(input, { request }) {
      const { Bucket: bucket = '', Key: key = '', UploadId } = input;
      buckets.get(bucket);
      const upload = uploads.get(bucket, key, UploadId);
      checkWrite(key, objects.current(bucket, key), input);
      const parts = chosenParts(uploads.parts(upload), input.MultipartUpload?.Parts ?? []);
      const checksum = wholeChecksum(upload, parts);
      const declared = checksum && input[`Checksum${checksum.algorithm}`];
      if (declared !== undefined && declared !== checksum?.value) {
        throw new AwsError(
          'BadDigest',
          `The ${checksum?.algorithm} you specified did not match the calculated checksum.`,
        );
      }
      const size = parts.reduce((sum, { segment }) => sum + segment.size, 0);
      const declaredSize = input.MpuObjectSize;
      if (declaredSize !== undefined && Number(declaredSize) !== size) {
        throw new AwsError(
          'InvalidRequest',
          'The provided x-amz-mp-object-size does not match the size of the parts',
        );
      }
      const written = blobs.commit(() => {
        const kept = keep(state, bucket, key, input, {
          ...upload.description,
          size,
          etag: multipartEtag(parts),
          segments: parts.map(({ segment }) => segment),
          parts: parts.map((part) => ({ number: part.number, checksum: part.checksum?.value })),
          ...(checksum ? { checksum } : {}),
        });
        uploads.remove(upload);
        return kept;
      });
      const location = `http://${request.headers.host ?? 'localhost'}/${bucket}/${encodeURIComponent(key)}`;
      return { Location: location, Bucket: bucket, Key: key, ...written };
    },

    AbortMultipartUpload({ Bucket: bucket = '', Key: key = '', UploadId }) {
      buckets.get(bucket);
      const upload = uploads.get(bucket, key, UploadId);
      blobs.commit(() => uploads.remove(upload));
      return {};
    },

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

function checksumOf(input: { ChecksumAlgorithm?: string; ChecksumType?: string }): Upload['checksum'] {
  if (input.ChecksumAlgorithm === undefined) {
    if (input.ChecksumType === undefined) return undefined;
    throw new AwsError(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const algorithm = checksumAlgorithm(input.ChecksumAlgorithm);
  if (!algorithm) throw notBuilt(`The checksum algorithm ${input.ChecksumAlgorithm}`);
  const standard = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const type = (input.ChecksumType ?? standard) === 'FULL_OBJECT' ? 'FULL_OBJECT' : 'COMPOSITE';
  if ((type === 'FULL_OBJECT' && !isCrc(algorithm)) || (type === 'COMPOSITE' && algorithm === 'CRC64NVME')) {
    throw new AwsError(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type };
}

function partNumber(number: number | undefined): number {
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > 10_000) {
    throw invalidArgument(
      'partNumber',
      String(number),
      'Part number must be an integer between 1 and 10000, inclusive',
    );
  }
  return number;
}

type WantedPart = { PartNumber?: number; ETag?: string } & {
  [Algorithm in ChecksumAlgorithm as `Checksum${Algorithm}`]?: string;
};

/** The parts that the caller wants the object to have, which must be what was uploaded. */
function chosenParts(uploaded: readonly Part[], wanted: readonly WantedPart[]): Part[] {
  if (wanted.length === 0) {
    throw new AwsError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  }
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  let previous = 0;
  const parts = wanted.map((choice) => {
    const { PartNumber: number = 0, ETag: etag = '' } = choice;
    if (number <= previous) {
      throw new AwsError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
      );
    }
    previous = number;
    const part = byNumber.get(number);
    const checksum = part?.checksum && choice[`Checksum${part.checksum.algorithm}`];
    if (
      !part ||
      part.md5 !== etag.replace(/^"(.*)"$/, '$1') ||
      (checksum !== undefined && checksum !== part.checksum?.value)
    ) {
      throw new AwsError(
        'InvalidPart',
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        400,
        { PartNumber: String(number), ETag: etag },
      );
    }
    return part;
  });
  for (const { segment, number, md5 } of parts.slice(0, -1)) {
    if (segment.size >= SMALLEST_PART) continue;
    throw new AwsError(
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      400,
      {
        ProposedSize: String(segment.size),
        MinSizeAllowed: String(SMALLEST_PART),
        PartNumber: String(number),
        ETag: md5,
      },
    );
  }
  return parts;
}

function wholeChecksum({ checksum }: Upload, parts: readonly Part[]): Checksum | undefined {
  if (!checksum) return undefined;
  const sums = parts.flatMap((part) =>
    part.checksum ? [{ checksum: part.checksum.value, size: part.segment.size }] : [],
  );
  return checksumOfParts(checksum.algorithm, checksum.type, sums);
}

/** MD5 of the parts' MD5s with their number behind it. */
function multipartEtag(parts: readonly Part[]): string {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.md5, 'hex'));
  return `"${md5.digest('hex')}-${parts.length}"`;
}

function withoutType(checksum: NonNullable<Part['checksum']>) {
  const { ChecksumType: _, ...members } = checksumMembers({ ...checksum, type: 'FULL_OBJECT' });
  return members;
}
