import { numberSortText } from './number.js';
import type { Value } from './value.js';

/** Base64's alphabet, and the same number of characters in the order of their codes. */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const SORTED = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const SORTED_OF = new Map([...BASE64].map((character, index) => [character, SORTED[index] ?? '']));

/** Above every character of a sort text, and above the separator of compound keys. */
const ABOVE = '\u007f';

/**
 * ASCII text that sorts as the values of a key attribute do: numbers by value, strings by their UTF-8 bytes,
 * bytes by theirs. A third longer than the bytes, so that the longest sort key fits into a key of the store.
 */
export function sortText(value: Value): string {
  if ('N' in value) return numberSortText(value.N);
  return bytesSortText(keyBytes(value));
}

/** Text above the sort texts of this value and of all that begin with it. */
export function aboveAllWith(value: Value): string {
  if ('N' in value) return `${numberSortText(value.N)}${ABOVE}`;
  const bytes = keyBytes(value);
  // The last character holds bits of what may follow.
  return `${bytesSortText(bytes).slice(0, Math.floor((bytes.length * 8) / 6))}${ABOVE}`;
}

/** The bytes of a string or binary value. */
export function keyBytes(value: Value): Uint8Array {
  if ('B' in value) return value.B;
  return Buffer.from('S' in value ? value.S : '');
}

function bytesSortText(bytes: Uint8Array): string {
  let text = '';
  for (const character of Buffer.from(bytes).toString('base64url')) text += SORTED_OF.get(character) ?? '';
  return text;
}
