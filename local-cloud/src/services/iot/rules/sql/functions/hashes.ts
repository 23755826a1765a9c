import { createHash } from 'node:crypto';
import { toText } from '../values.js';
import { type Functions, pure1, type SqlFunction } from './function.js';
import { md2 } from './md2.js';

function hash(digest: (bytes: Uint8Array) => string): SqlFunction {
  return pure1((value) => {
    const text = toText(value);
    return text === undefined ? undefined : digest(Buffer.from(text));
  });
}

function openSsl(algorithm: string): SqlFunction {
  return hash((bytes) => createHash(algorithm).update(bytes).digest('hex'));
}

/** Hashes of text, in hexadecimal: AWS IoT developer guide, "Functions", "Hashing functions". */
export const hashFunctions: Functions = {
  md2: hash(md2),
  md5: openSsl('md5'),
  sha1: openSsl('sha1'),
  sha224: openSsl('sha224'),
  sha256: openSsl('sha256'),
  sha384: openSsl('sha384'),
  sha512: openSsl('sha512'),
};
