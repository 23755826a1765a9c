/** The distinguished encoding rules of ASN.1 (X.690), as far as a signing request needs them. */

export const integer = (value: number) => encoded(0x02, Buffer.of(value));
export const bitString = (bytes: Buffer) => encoded(0x03, Buffer.concat([Buffer.of(0), bytes]));
export const nothing = () => encoded(0x05, Buffer.alloc(0));
export const utf8String = (text: string) => encoded(0x0c, Buffer.from(text, 'utf8'));
/** Of letters, digits and few other characters. */
export const printableString = (text: string) => encoded(0x13, Buffer.from(text, 'latin1'));
export const sequence = (...parts: Buffer[]) => encoded(0x30, Buffer.concat(parts));
export const set = (...parts: Buffer[]) => encoded(0x31, Buffer.concat(parts));
/** `[0] IMPLICIT`, constructed. */
export const context0 = (...parts: Buffer[]) => encoded(0xa0, Buffer.concat(parts));

/** @param text the arcs with dots between, the first being 1 or 2 */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return encoded(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
    digits.unshift((left % 128) + 128);
  }
  return digits;
}

/** Tag, length and value (X.690, 8.1). */
function encoded(tag: number, value: Buffer): Buffer {
  if (value.length < 0x80) return Buffer.concat([Buffer.of(tag, value.length), value]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  const significant = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 + significant.length), significant, value]);
}
