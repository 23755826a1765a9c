import { AwsError } from '../../errors.js';
import type { Call } from '../../service.js';
import type { S3Access } from './access.js';
import type { Bucket } from './bucket-store.js';
import { invalidArgument, noSuchKey, noSuchVersion } from './errors.js';
import type { StoredObject } from './object-store.js';
import type { S3State } from './state.js';

/** The object that a copy is made of. */
export interface CopySource {
  readonly bucket: Bucket;
  readonly key: string;
  readonly object: StoredObject;
}

/**
 * Finds the source that `x-amz-copy-source` names, `[/]bucket/key[?versionId=id]`, percent-encoded.
 *
 * @throws AwsError `InvalidArgument`, `NoSuchBucket`, `NoSuchKey`, `AccessDenied` when the caller may not read it.
 */
export function copySource(
  { buckets, objects }: S3State,
  header: string,
  access: S3Access,
  call: Call,
): CopySource {
  const [path = '', query = ''] = header.split('?', 2);
  const match = /^\/?([^/]+)\/(.+)$/s.exec(decode(path));
  const [, name, key] = match ?? [];
  if (name === undefined || key === undefined) {
    throw invalidArgument('x-amz-copy-source', header, 'Invalid copy source object key');
  }
  const bucket = buckets.get(name);
  const versionId = new URLSearchParams(query).get('versionId') ?? undefined;
  access.require(call, versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', bucket, key);
  const object = versionId === undefined ? objects.current(name, key) : objects.version(name, key, versionId);
  if (!object) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
  if (object.deleteMarker) {
    if (versionId === undefined) throw noSuchKey(key);
    throw new AwsError(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
    );
  }
  return { bucket, key, object };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
