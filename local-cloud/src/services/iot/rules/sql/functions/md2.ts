/** The S-table of RFC 1319: 256 bytes made from the digits of pi. */
const S = Buffer.from(
  '292e43c9a2d87c013d3654a1ecf0061362a705f3c0c7738c98932bd9bc4c82ca1e9b573cfdd4e01667426f188a17e512' +
    'be4ec4d6da9ede49a0fbf58ebb2fee7aa968799115b2073f94c210890b225f21807f5d9a5a903227353ecce7bff79703' +
    'ff1930b348a5b5d1d75e922aac56aac64fb838d296a47db676fc6be29c7404f1459d705964718720865bcf65e62da802' +
    '1b6025adaeb0b9f61c46616934407e0f5547a323dd51af3ac35cf9cebac5ea262c530d6e85288409d3dfcdf441814d52' +
    '6adc37c86cc1abfa24e17b080cbdb14a7888958be363e86de9cbd5fe3b001d39f2efb70e6658d0e4a67772f8eb754b0a' +
    '314450b48fed1f1adb998d339f118314',
  'hex',
);
const BLOCK = 16;
const ROUNDS = 18;

/** The MD2 digest (RFC 1319) in hexadecimal. AWS IoT SQL has it; OpenSSL no longer does. */
export function md2(bytes: Uint8Array): string {
  const padding = BLOCK - (bytes.length % BLOCK);
  const message = Buffer.concat([bytes, Buffer.alloc(padding, padding)]);
  return digest(Buffer.concat([message, checksum(message)])).toString('hex');
}

function checksum(message: Buffer): Buffer {
  const sum = Buffer.alloc(BLOCK);
  let last = 0;
  for (const [index, byte] of message.entries()) {
    const at = index % BLOCK;
    last = (sum[at] ?? 0) ^ substitute(byte ^ last);
    sum[at] = last;
  }
  return sum;
}

function digest(message: Buffer): Buffer {
  const state = Buffer.alloc(3 * BLOCK);
  for (let start = 0; start < message.length; start += BLOCK) {
    for (let at = 0; at < BLOCK; at += 1) {
      const byte = message[start + at] ?? 0;
      state[BLOCK + at] = byte;
      state[2 * BLOCK + at] = byte ^ (state[at] ?? 0);
    }
    let last = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let at = 0; at < state.length; at += 1) {
        last = (state[at] ?? 0) ^ substitute(last);
        state[at] = last;
      }
      last = (last + round) % 256;
    }
  }
  return state.subarray(0, BLOCK);
}

function substitute(byte: number): number {
  return S[byte] ?? 0;
}
