import { rangeViolation } from '../../constraints.js';
import { behind, page as pageBehind, readToken } from '../../paging.js';
import { invalidInput, validationError } from './errors.js';

/**
 * A page of a list that is in order of its names; the marker is the name that the page before ended with.
 *
 * @throws InvalidInputException for a marker that was not given out here, AwsError `ValidationError` for a number
 * of items that is not from 1 to 1000.
 */
export function page<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  { Marker, MaxItems = 100 }: { Marker?: string | undefined; MaxItems?: number | undefined },
): { items: T[]; IsTruncated: boolean; Marker?: string } {
  const problem = rangeViolation(MaxItems, 'maxItems', 1, 1000);
  if (problem !== undefined) throw validationError(problem);
  const after = readToken(Marker, () => invalidInput('Invalid Marker.'));
  const { items, next } = pageBehind(behind(all, nameOf), nameOf, after, MaxItems);
  return { items, IsTruncated: next !== undefined, ...(next !== undefined && { Marker: next }) };
}

/** @throws InvalidInputException for a tag without a key. */
export function tagRecord(
  tags: readonly { Key?: string; Value?: string }[] | undefined,
): Record<string, string> {
  const record: Record<string, string> = {};
  for (const { Key, Value = '' } of tags ?? []) {
    if (!Key || Key.length > 128 || Value.length > 256) throw invalidInput('The tag is invalid.');
    record[Key] = Value;
  }
  if (Object.keys(record).length > 50) throw invalidInput('The number of tags exceeds the limit of 50.');
  return record;
}

/** Documents travel percent-encoded (RFC 3986) in IAM's answers. */
export function encoded(document: string): string {
  return encodeURIComponent(document).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
