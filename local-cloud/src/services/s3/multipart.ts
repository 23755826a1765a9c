import { AwsError } from '../../errors.js';
import { byteRange } from '../../http/byte-range.js';
import type { S3Access } from './access.js';
import { asStream } from './blob-store.js';
import { checksumAlgorithm, isCrc } from './checksum.js';
import { copySource } from './copy-source.js';
import { invalidArgument, notBuilt } from './errors.js';
import { chosenParts, multipartEtag, wholeChecksum } from './multipart-completion.js';
import { withoutType } from './multipart-listings.js';
import { checkKey, describe } from './object-description.js';
import { keep, receive } from './object-writes.js';
import { checkCopySource, checkWrite } from './preconditions.js';
import { requestBody } from './request-body.js';
import type { S3Operations, S3State } from './state.js';
import type { Part, Upload } from './upload-store.js';

/** CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload. */
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
