/**
 * Cyclic redundancy checks that Node has not: CRC-32C and CRC-64/NVME, eight bytes a step ("slicing by 8"), and
 * the combination of the checks of two parts into that of the whole.
 */
export interface RunningCrc {
  update(bytes: Uint8Array): void;
  /** The check so far, big-endian. */
  digest(): Buffer;
}

/** Reflected polynomials. */
const CRC32 = 0xedb88320n;
const CRC32C = 0x82f63b78n;
const CRC64NVME = 0x9a6c9329ac4bc9b5n;

interface Tables {
  readonly low: readonly Uint32Array[];
  readonly high: readonly Uint32Array[];
}

/** Table k holds, for each byte, what it does to the check when k more bytes follow. */
function tables(polynomial: bigint): Tables {
  const rows: bigint[][] = [];
  for (let row = 0; row < 8; row += 1) {
    rows.push(
      Array.from({ length: 256 }, (_, byte) => {
        let value = rows[row - 1]?.[byte] ?? BigInt(byte);
        for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
        return value;
      }),
    );
  }
  const half = (shift: bigint) =>
    rows.map((row) => Uint32Array.from(row, (value) => Number((value >> shift) & 0xffffffffn)));
  return { low: half(0n), high: half(32n) };
}

const table = (of: readonly Uint32Array[], index: number): Uint32Array => of[index] ?? new Uint32Array(256);

/** CRC-32C, Castagnoli (RFC 3720, appendix B.4). */
export function crc32c(): RunningCrc {
  const { low } = castagnoli();
  const [t0, t1, t2, t3] = [table(low, 0), table(low, 1), table(low, 2), table(low, 3)];
  const [t4, t5, t6, t7] = [table(low, 4), table(low, 5), table(low, 6), table(low, 7)];
  let crc = ~0;
  return {
    update(bytes) {
      const whole = bytes.length - (bytes.length % 8);
      let at = 0;
      // Indices are within the tables by their masks; `| 0` keeps the arithmetic on 32-bit integers.
      for (; at < whole; at += 8) {
        crc ^=
          octet(bytes, at) |
          (octet(bytes, at + 1) << 8) |
          (octet(bytes, at + 2) << 16) |
          (octet(bytes, at + 3) << 24);
        crc =
          octet(t7, crc & 255) ^
          octet(t6, (crc >>> 8) & 255) ^
          octet(t5, (crc >>> 16) & 255) ^
          octet(t4, crc >>> 24) ^
          octet(t3, octet(bytes, at + 4)) ^
          octet(t2, octet(bytes, at + 5)) ^
          octet(t1, octet(bytes, at + 6)) ^
          octet(t0, octet(bytes, at + 7));
      }
      for (; at < bytes.length; at += 1) crc = octet(t0, (crc ^ octet(bytes, at)) & 255) ^ (crc >>> 8);
    },
    digest() {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(~crc >>> 0);
      return value;
    },
  };
}

/** CRC-64/NVME (NVM Express NVM command set specification, "64b CRC"). */
export function crc64nvme(): RunningCrc {
  const { low, high } = nvme();
  let crcLow = ~0;
  let crcHigh = ~0;
  const l = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => table(low, index));
  const h = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => table(high, index));
  const [l0, l1, l2, l3, l4, l5, l6, l7] = l as Eight;
  const [h0, h1, h2, h3, h4, h5, h6, h7] = h as Eight;
  return {
    update(bytes) {
      const whole = bytes.length - (bytes.length % 8);
      let at = 0;
      let low32 = crcLow;
      let high32 = crcHigh;
      for (; at < whole; at += 8) {
        low32 ^=
          octet(bytes, at) |
          (octet(bytes, at + 1) << 8) |
          (octet(bytes, at + 2) << 16) |
          (octet(bytes, at + 3) << 24);
        high32 ^=
          octet(bytes, at + 4) |
          (octet(bytes, at + 5) << 8) |
          (octet(bytes, at + 6) << 16) |
          (octet(bytes, at + 7) << 24);
        const b0 = low32 & 255;
        const b1 = (low32 >>> 8) & 255;
        const b2 = (low32 >>> 16) & 255;
        const b3 = low32 >>> 24;
        const b4 = high32 & 255;
        const b5 = (high32 >>> 8) & 255;
        const b6 = (high32 >>> 16) & 255;
        const b7 = high32 >>> 24;
        low32 =
          octet(l7, b0) ^
          octet(l6, b1) ^
          octet(l5, b2) ^
          octet(l4, b3) ^
          octet(l3, b4) ^
          octet(l2, b5) ^
          octet(l1, b6) ^
          octet(l0, b7);
        high32 =
          octet(h7, b0) ^
          octet(h6, b1) ^
          octet(h5, b2) ^
          octet(h4, b3) ^
          octet(h3, b4) ^
          octet(h2, b5) ^
          octet(h1, b6) ^
          octet(h0, b7);
      }
      for (; at < bytes.length; at += 1) {
        const index = (low32 ^ octet(bytes, at)) & 255;
        low32 = ((low32 >>> 8) | (high32 << 24)) ^ octet(l0, index);
        high32 = (high32 >>> 8) ^ octet(h0, index);
      }
      crcLow = low32;
      crcHigh = high32;
    },
    digest() {
      const value = Buffer.alloc(8);
      value.writeUInt32BE(~crcHigh >>> 0, 0);
      value.writeUInt32BE(~crcLow >>> 0, 4);
      return value;
    },
  };
}

type Eight = [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

function octet(values: Uint8Array | Uint32Array, index: number): number {
  return values[index] as number;
}

let castagnoliTables: Tables | undefined;
const castagnoli = () => {
  castagnoliTables ??= tables(CRC32C);
  return castagnoliTables;
};
let nvmeTables: Tables | undefined;
const nvme = () => {
  nvmeTables ??= tables(CRC64NVME);
  return nvmeTables;
};

const POLYNOMIALS = { CRC32: [CRC32, 32n], CRC32C: [CRC32C, 32n], CRC64NVME: [CRC64NVME, 64n] } as const;

/**
 * The check of a whole from those of its parts, in order: appending n bytes multiplies the check so far by
 * x^(8n) modulo the polynomial.
 *
 * @param parts checks as big-endian bytes, sizes in bytes.
 */
export function combineCrcs(
  algorithm: keyof typeof POLYNOMIALS,
  parts: readonly { crc: Uint8Array; size: number }[],
): Buffer {
  const [polynomial, width] = POLYNOMIALS[algorithm];
  const shifts = new Map<number, bigint>();
  let whole = 0n;
  for (const { crc, size } of parts) {
    let shift = shifts.get(size);
    if (shift === undefined) {
      shift = power(BigInt(size) * 8n, polynomial, width);
      shifts.set(size, shift);
    }
    whole = multiply(whole, shift, polynomial, width) ^ BigInt(`0x${Buffer.from(crc).toString('hex')}`);
  }
  return Buffer.from(whole.toString(16).padStart(Number(width) / 4, '0'), 'hex');
}

/** x^n modulo the polynomial; the highest bit is the coefficient of x^0, as the polynomials are reflected. */
function power(exponent: bigint, polynomial: bigint, width: bigint): bigint {
  let result = 1n << (width - 1n);
  let base = 1n << (width - 2n);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = multiply(result, base, polynomial, width);
    base = multiply(base, base, polynomial, width);
  }
  return result;
}

function multiply(a: bigint, b: bigint, polynomial: bigint, width: bigint): bigint {
  let product = 0n;
  for (let bit = 1n << (width - 1n); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= b;
    b = b & 1n ? (b >> 1n) ^ polynomial : b >> 1n;
  }
  return product;
}
