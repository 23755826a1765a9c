import { Readable } from 'node:stream';
import xz from 'xz-decompress';

/** Decompresses what xz(1) compressed. */
export function decompressXz(compressed: Uint8Array): Readable {
  const source = new Blob([Uint8Array.from(compressed)]).stream();
  return Readable.fromWeb(new xz.XzReadableStream(source));
}
