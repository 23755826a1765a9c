import { invalidArgument } from './errors.js';
import { BEHIND_ALL, groupOf } from './listing.js';
import { encoder, maxKeys, ownerId } from './object-listings.js';
import type { ObjectVersion } from './object-store.js';
import type { S3Operations, S3State } from './state.js';

/** An entry of a listing of versions: a version, or keys rolled up. */
type Entry = { key: string; version: ObjectVersion; isLatest: boolean } | { group: string };

/** ListObjectVersions. */
export function versionListing({ buckets, objects, base }: S3State): S3Operations {
  const owner = { ID: ownerId(base.accountId) };

  function* entries(
    bucket: string,
    prefix: string,
    delimiter: string | undefined,
    marker: { key: string | undefined; versionId: string | undefined },
  ): Iterable<Entry> {
    let after = marker.key;
    if (after !== undefined && marker.versionId !== undefined) {
      // The rest of the key that the page before ended within.
      let behind = false;
      for (const [key, version, isLatest] of objects.versions(bucket, { prefix: after })) {
        if (key !== after) break;
        if (behind) yield { key, version, isLatest };
        behind ||= version.versionId === marker.versionId;
      }
    }
    if (after !== undefined && delimiter && groupOf(after, prefix, delimiter) === after) after += BEHIND_ALL;
    for (;;) {
      let group: string | undefined;
      for (const [key, version, isLatest] of objects.versions(bucket, {
        prefix,
        ...(after === undefined ? {} : { after }),
      })) {
        group = delimiter ? groupOf(key, prefix, delimiter) : undefined;
        if (group !== undefined) break;
        yield { key, version, isLatest };
      }
      if (group === undefined) return;
      yield { group };
      after = group + BEHIND_ALL;
    }
  }

  return {
    ListObjectVersions(input) {
      const { Bucket: name = '', Prefix = '', Delimiter, KeyMarker, VersionIdMarker } = input;
      buckets.get(name);
      if (VersionIdMarker && !KeyMarker) {
        throw invalidArgument(
          'version-id-marker',
          VersionIdMarker,
          'A version-id marker cannot be specified without a key marker.',
        );
      }
      const encode = encoder(input.EncodingType);
      const limit = maxKeys(input.MaxKeys);
      const page: Entry[] = [];
      let isTruncated = false;
      const marker = { key: KeyMarker || undefined, versionId: VersionIdMarker || undefined };
      for (const entry of limit === 0 ? [] : entries(name, Prefix, Delimiter || undefined, marker)) {
        isTruncated = page.length === limit;
        if (isTruncated) break;
        page.push(entry);
      }
      const last = isTruncated ? page.at(-1) : undefined;
      const versions = page.flatMap((entry) => ('group' in entry ? [] : [entry]));
      const common = ({ key, version, isLatest }: (typeof versions)[number]) => ({
        Key: encode(key),
        VersionId: version.versionId,
        IsLatest: isLatest,
        LastModified: new Date(version.lastModified),
        Owner: owner,
      });
      return {
        Name: name,
        Prefix: encode(Prefix),
        KeyMarker: encode(KeyMarker ?? ''),
        VersionIdMarker: VersionIdMarker ?? '',
        Delimiter: Delimiter && encode(Delimiter),
        MaxKeys: limit,
        EncodingType: input.EncodingType,
        IsTruncated: isTruncated,
        NextKeyMarker: last && encode('group' in last ? last.group : last.key),
        NextVersionIdMarker: last && 'version' in last ? last.version.versionId : undefined,
        Versions: versions.flatMap((entry) =>
          entry.version.deleteMarker
            ? []
            : [
                {
                  ...common(entry),
                  ETag: entry.version.etag,
                  Size: entry.version.size,
                  StorageClass: 'STANDARD' as const,
                },
              ],
        ),
        DeleteMarkers: versions.flatMap((entry) => (entry.version.deleteMarker ? [common(entry)] : [])),
        CommonPrefixes: page.flatMap((entry) => ('group' in entry ? [{ Prefix: encode(entry.group) }] : [])),
      };
    },
  };
}
