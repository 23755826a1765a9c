import { invalidInput } from './errors.js';

/**
 * A page of a list that is in order of its names; the marker is the name that the page before ended with.
 *
 * @throws InvalidInputException for a marker that was not given out here.
 */
export function page<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  { Marker, MaxItems = 100 }: { Marker?: string; MaxItems?: number },
): { items: T[]; IsTruncated: boolean; Marker?: string } {
  let from = 0;
  if (Marker !== undefined) {
    const last = Buffer.from(Marker, 'base64url').toString('utf8');
    if (Buffer.from(last).toString('base64url') !== Marker) throw invalidInput('Invalid Marker.');
    from = all.findIndex((item) => nameOf(item) > last);
    if (from < 0) from = all.length;
  }
  const items = all.slice(from, from + MaxItems);
  const last = items.at(-1);
  const isTruncated = from + items.length < all.length && last !== undefined;
  return {
    items,
    IsTruncated: isTruncated,
    ...(isTruncated ? { Marker: Buffer.from(nameOf(last)).toString('base64url') } : {}),
  };
}

/** Tags as IAM lists them. */
export function tagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
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
