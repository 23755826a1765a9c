import { noSuchKey, notBuilt, preconditionFailed } from './errors.js';
import type { ObjectVersion, StoredObject } from './object-store.js';
import { notModified } from './s3-protocol.js';

/** The conditions of a read. */
export interface ReadConditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly IfModifiedSince?: Date;
  readonly IfUnmodifiedSince?: Date;
}

/**
 * Checks the conditions of a read (RFC 9110, section 13.2.2; S3 API reference, `GetObject`).
 *
 * @throws AwsError `PreconditionFailed` (412) or the answer 304.
 */
export function checkRead(object: StoredObject, conditions: ReadConditions): void {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  if (IfMatch !== undefined) {
    if (!namesEtag(IfMatch, object.etag)) throw preconditionFailed('If-Match');
  } else if (IfUnmodifiedSince && seconds(object.lastModified) > seconds(IfUnmodifiedSince.getTime())) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  const headers = { etag: object.etag, 'last-modified': new Date(object.lastModified).toUTCString() };
  if (IfNoneMatch !== undefined) {
    if (namesEtag(IfNoneMatch, object.etag)) throw notModified(headers);
  } else if (IfModifiedSince && seconds(object.lastModified) <= seconds(IfModifiedSince.getTime())) {
    throw notModified(headers);
  }
}

/**
 * Checks the conditions of a write against what is there (S3 user guide, "Conditional writes").
 *
 * @throws AwsError `PreconditionFailed`, `NoSuchKey`.
 */
export function checkWrite(
  key: string,
  current: ObjectVersion | undefined,
  conditions: { IfMatch?: string; IfNoneMatch?: string },
): void {
  const { IfMatch, IfNoneMatch } = conditions;
  const existing = current?.deleteMarker ? undefined : current;
  if (IfNoneMatch !== undefined) {
    if (IfNoneMatch !== '*') throw notBuilt('A write with an If-None-Match other than *');
    if (existing) throw preconditionFailed('If-None-Match');
  }
  if (IfMatch !== undefined) {
    if (!existing) throw noSuchKey(key);
    if (!namesEtag(IfMatch, existing.etag)) throw preconditionFailed('If-Match');
  }
}

/** The conditions that a copy puts on its source. */
export function checkCopySource(
  source: StoredObject,
  conditions: {
    CopySourceIfMatch?: string;
    CopySourceIfNoneMatch?: string;
    CopySourceIfModifiedSince?: Date;
    CopySourceIfUnmodifiedSince?: Date;
  },
): void {
  const { CopySourceIfMatch, CopySourceIfNoneMatch, CopySourceIfModifiedSince, CopySourceIfUnmodifiedSince } =
    conditions;
  const modified = seconds(source.lastModified);
  if (CopySourceIfMatch !== undefined) {
    if (!namesEtag(CopySourceIfMatch, source.etag)) throw preconditionFailed('x-amz-copy-source-If-Match');
  } else if (CopySourceIfUnmodifiedSince && modified > seconds(CopySourceIfUnmodifiedSince.getTime())) {
    throw preconditionFailed('x-amz-copy-source-If-Unmodified-Since');
  }
  if (CopySourceIfNoneMatch !== undefined) {
    if (namesEtag(CopySourceIfNoneMatch, source.etag))
      throw preconditionFailed('x-amz-copy-source-If-None-Match');
  } else if (CopySourceIfModifiedSince && modified <= seconds(CopySourceIfModifiedSince.getTime())) {
    throw preconditionFailed('x-amz-copy-source-If-Modified-Since');
  }
}

/** Whether a list of entity tags, with or without their quotes, or `*`, has that of the object. */
function namesEtag(list: string, etag: string): boolean {
  const bare = (tag: string) =>
    tag
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
  return list.trim() === '*' || list.split(',').some((tag) => bare(tag) === bare(etag));
}

/** HTTP dates have whole seconds. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
