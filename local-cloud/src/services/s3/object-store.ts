import { randomBytes } from 'node:crypto';
import type { ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';
import { key as compoundKey, type Store } from '../../store/store.js';
import type { BlobStore, Segment } from './blob-store.js';
import type { Bucket } from './bucket-store.js';
import type { Checksum } from './checksum.js';

/** What a caller gives an object besides its data. */
export interface ObjectDescription {
  readonly headers: ObjectHeaders;
  /** User metadata, names in lower case without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly storageClass: StorageClass;
  readonly encryption: ServerSideEncryption;
}

/** Headers that are returned as they were given. */
export interface ObjectHeaders {
  readonly CacheControl?: string;
  readonly ContentDisposition?: string;
  readonly ContentEncoding?: string;
  readonly ContentLanguage?: string;
  readonly ContentType?: string;
  readonly ExpiresString?: string;
  readonly WebsiteRedirectLocation?: string;
}

/** One version of an object: data, or a delete marker. */
export type ObjectVersion = StoredObject | DeleteMarker;

interface VersionIdentity {
  /** `null` for what was written while versioning was not enabled. */
  readonly versionId: string;
  /** Rises with each version of a key. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

export interface DeleteMarker extends VersionIdentity {
  readonly deleteMarker: true;
}

export interface ObjectData extends ObjectDescription {
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  readonly segments: readonly Segment[];
  /** The segments are parts of a multipart upload, with these numbers. */
  readonly parts?: readonly { readonly number: number; readonly checksum?: string }[];
  readonly checksum?: Checksum;
}

export interface StoredObject extends VersionIdentity, ObjectData {
  readonly deleteMarker?: undefined;
}

/** The objects of all buckets, with their versions as the bucket's versioning demands. */
export interface ObjectStore {
  /** The version of a key that requests without a version id mean; it may be a delete marker. */
  current(bucket: string, key: string): ObjectVersion | undefined;
  version(bucket: string, key: string, versionId: string): ObjectVersion | undefined;
  /** Makes a new current version; within {@link BlobStore.commit}. */
  put(bucket: Bucket, key: string, data: ObjectData): StoredObject;
  /** Changes what a version says besides its data. */
  amend(bucket: string, key: string, version: StoredObject): void;
  /** Deletes a version, or, without an id, what versioning says; within {@link BlobStore.commit}. */
  delete(bucket: Bucket, key: string, versionId?: string): { versionId?: string; deleteMarker?: boolean };
  /** Current versions in order of their keys, delete markers too. */
  list(bucket: string, range: ListRange): Iterable<[key: string, version: ObjectVersion]>;
  /** All versions, keys in order, of a key the newest first. */
  versions(
    bucket: string,
    range: ListRange,
  ): Iterable<[key: string, version: ObjectVersion, isLatest: boolean]>;
  isEmpty(bucket: string): boolean;
}

export interface ListRange {
  prefix?: string;
  /** Only keys behind this one. */
  after?: string;
}

/** Sequence numbers are turned round, so that the newest version comes first in the order of keys. */
const LAST_SEQUENCE = 10 ** 12;

export function objectStore(store: Store, blobs: BlobStore, now: () => number): ObjectStore {
  const currents = store.table<ObjectVersion>('s3.objects');
  const older = store.table<ObjectVersion>('s3.versions');
  const currentKey = (bucket: string, key: string) => compoundKey(bucket, key);
  const olderKey = (bucket: string, key: string, sequence: number) =>
    compoundKey(bucket, separable(key), String(LAST_SEQUENCE - sequence).padStart(12, '0'));
  const olderOf = (bucket: string, key: string) =>
    older.entries({ prefix: compoundKey(bucket, separable(key), '') });

  function remove(version: ObjectVersion): void {
    if (!version.deleteMarker) blobs.release(version.segments);
  }

  /** Makes room for a new current version: the one that was current is kept or, without versioning, replaced. */
  function supersede(bucket: Bucket, key: string): VersionIdentity {
    const versionId = bucket.versioning === 'Enabled' ? randomBytes(24).toString('base64url') : 'null';
    const previous = currents.get(currentKey(bucket.name, key));
    if (previous) {
      if (previous.versionId === versionId) remove(previous);
      else older.put(olderKey(bucket.name, key, previous.sequence), previous);
    }
    if (versionId === 'null' && previous?.versionId !== 'null' && bucket.versioning) {
      const replaced = [...olderOf(bucket.name, key)].find(([, version]) => version.versionId === 'null');
      if (replaced) {
        older.delete(replaced[0]);
        remove(replaced[1]);
      }
    }
    return { versionId, sequence: (previous?.sequence ?? 0) + 1, lastModified: now() };
  }

  function deleteVersion(bucket: Bucket, key: string, versionId: string) {
    const current = currents.get(currentKey(bucket.name, key));
    if (current?.versionId === versionId) {
      remove(current);
      const [next] = olderOf(bucket.name, key);
      if (next) {
        older.delete(next[0]);
        currents.put(currentKey(bucket.name, key), next[1]);
      } else currents.delete(currentKey(bucket.name, key));
      return current;
    }
    const found = [...olderOf(bucket.name, key)].find(([, version]) => version.versionId === versionId);
    if (found) {
      older.delete(found[0]);
      remove(found[1]);
    }
    return found?.[1];
  }

  function* list(bucket: string, { prefix = '', after }: ListRange): Iterable<[string, ObjectVersion]> {
    const start = compoundKey(bucket, '');
    const range = { prefix: start + prefix, ...(after === undefined ? {} : { after: start + after }) };
    for (const [key, version] of currents.entries(range)) yield [key.slice(start.length), version];
  }

  return {
    current: (bucket, key) => currents.get(currentKey(bucket, key)),
    version(bucket, key, versionId) {
      const current = currents.get(currentKey(bucket, key));
      if (current?.versionId === versionId) return current;
      return [...olderOf(bucket, key)].find(([, version]) => version.versionId === versionId)?.[1];
    },
    put(bucket, key, data) {
      blobs.refer(data.segments);
      const version = { ...data, ...supersede(bucket, key) };
      currents.put(currentKey(bucket.name, key), version);
      return version;
    },
    amend(bucket, key, version) {
      const current = currents.get(currentKey(bucket, key));
      if (current?.versionId === version.versionId) currents.put(currentKey(bucket, key), version);
      else older.put(olderKey(bucket, key, version.sequence), version);
    },
    delete(bucket, key, versionId) {
      if (versionId !== undefined) {
        const deleted = deleteVersion(bucket, key, versionId);
        return { versionId, ...(deleted?.deleteMarker ? { deleteMarker: true } : {}) };
      }
      if (!bucket.versioning) {
        deleteVersion(bucket, key, 'null');
        return {};
      }
      const marker: DeleteMarker = { ...supersede(bucket, key), deleteMarker: true };
      currents.put(currentKey(bucket.name, key), marker);
      return { versionId: marker.versionId, deleteMarker: true };
    },
    list,
    *versions(bucket, range) {
      for (const [key, current] of list(bucket, range)) {
        yield [key, current, true];
        for (const [, version] of olderOf(bucket, key)) yield [key, version, false];
      }
    },
    isEmpty: (bucket) => [...currents.entries({ prefix: compoundKey(bucket, ''), limit: 1 })].length === 0,
  };
}

/** Keeps the separator of compound keys out of an object's key. */
function separable(key: string): string {
  return key.replaceAll('\u001e', '\u001e1').replaceAll('\u001f', '\u001e2');
}
