import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import { combineCrcs, crc32c, crc64nvme, type RunningCrc } from './crc.js';

/** Checksum algorithms that are verified, kept and returned (S3 user guide, "Checking object integrity"). */
export const CHECKSUM_ALGORITHMS = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** A checksum as S3 keeps it with an object: base64, for a composite one with the number of parts behind it. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

/** Starts to compute a checksum. */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningCrc {
  switch (algorithm) {
    case 'CRC32':
      return crc32();
    case 'CRC32C':
      return crc32c();
    case 'CRC64NVME':
      return crc64nvme();
    default: {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
    }
  }
}

/** The algorithm of that name in any case, or undefined when it is none that is built. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());
}

type ChecksumMembers = { [Algorithm in ChecksumAlgorithm as `Checksum${Algorithm}`]?: string } & {
  ChecksumType?: Checksum['type'];
};

/** The members of an output that carry a checksum: `{ ChecksumCRC32, ChecksumType }`. */
export function checksumMembers(checksum: Checksum | undefined): ChecksumMembers {
  if (!checksum) return {};
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}

/** The checksum of an object from those of its parts, as its type demands. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: Checksum['type'],
  parts: readonly { checksum: string; size: number }[],
): Checksum {
  if (type === 'FULL_OBJECT' && isCrc(algorithm)) {
    const whole = combineCrcs(
      algorithm,
      parts.map(({ checksum, size }) => ({ crc: Buffer.from(checksum, 'base64'), size })),
    );
    return { algorithm, type, value: whole.toString('base64') };
  }
  const sum = startChecksum(algorithm);
  for (const { checksum } of parts) sum.update(Buffer.from(checksum, 'base64'));
  return { algorithm, type: 'COMPOSITE', value: `${sum.digest().toString('base64')}-${parts.length}` };
}

/** Whether the check of a whole can be computed from those of its parts. */
export function isCrc(algorithm: ChecksumAlgorithm): algorithm is 'CRC32' | 'CRC32C' | 'CRC64NVME' {
  return algorithm.startsWith('CRC');
}

function crc32(): RunningCrc {
  let value = 0;
  return {
    update(bytes) {
      value = zlib.crc32(bytes, value);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value >>> 0);
      return bytes;
    },
  };
}
