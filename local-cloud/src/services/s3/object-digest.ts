import { createHash } from 'node:crypto';
import type { Call } from '../../service.js';
import type { S3Access } from './access.js';
import { noSuchKey } from './errors.js';
import type { S3State } from './state.js';

/**
 * The SHA-256 of an object, in base64, on behalf of a caller of another service such as Greengrass, which reads the
 * artifacts of components; without a call it is on behalf of the account.
 */
export type ObjectDigest = (call: Call | undefined, bucket: string, key: string) => Promise<string>;

/** @throws AwsError `NoSuchBucket`, `NoSuchKey`, and `AccessDenied` when the caller may not get the object. */
export function objectDigest({ buckets, objects, blobs }: S3State, access: S3Access): ObjectDigest {
  return async (call, bucket, key) => {
    const owner = buckets.get(bucket);
    if (call) access.require(call, 's3:GetObject', owner, key);
    const object = objects.current(bucket, key);
    if (!object || object.deleteMarker) throw noSuchKey(key);
    const hash = createHash('sha256');
    const data = blobs.read(object.segments, 0, object.size);
    if (data instanceof Uint8Array) hash.update(data);
    else for await (const piece of data) hash.update(piece as Uint8Array);
    return hash.digest('base64');
  };
}
