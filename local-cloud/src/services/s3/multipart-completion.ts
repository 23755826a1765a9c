import { createHash } from 'node:crypto';
import { AwsError } from '../../errors.js';
import { type Checksum, type ChecksumAlgorithm, checksumOfParts } from './checksum.js';
import type { Part, Upload } from './upload-store.js';

/** Smallest size of a part but the last, in bytes (S3 user guide, "Amazon S3 multipart upload limits"). */
const SMALLEST_PART = 5 * 1024 * 1024;

type WantedPart = { PartNumber?: number; ETag?: string } & {
  [Algorithm in ChecksumAlgorithm as `Checksum${Algorithm}`]?: string;
};

/**
 * The parts that the caller wants the object to have, which must be what was uploaded.
 *
 * @throws AwsError `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `MalformedXML`.
 */
export function chosenParts(uploaded: readonly Part[], wanted: readonly WantedPart[]): Part[] {
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

/** The checksum of the object, if the upload was begun with one. */
export function wholeChecksum({ checksum }: Upload, parts: readonly Part[]): Checksum | undefined {
  if (!checksum) return undefined;
  const sums = parts.flatMap((part) =>
    part.checksum ? [{ checksum: part.checksum.value, size: part.segment.size }] : [],
  );
  return checksumOfParts(checksum.algorithm, checksum.type, sums);
}

/** MD5 of the parts' MD5s with their number behind it. */
export function multipartEtag(parts: readonly Part[]): string {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.md5, 'hex'));
  return `"${md5.digest('hex')}-${parts.length}"`;
}
