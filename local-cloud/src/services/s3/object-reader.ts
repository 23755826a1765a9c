import { noSuchKey, noSuchVersion } from './errors.js';
import type { S3State } from './state.js';

/** Reads whole objects on behalf of other services, such as Lambda for a deployment package. */
export type ObjectReader = (bucket: string, key: string, version?: string) => Promise<Uint8Array>;

/** @throws AwsError `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`. */
export function objectReader({ buckets, objects, blobs }: S3State): ObjectReader {
  return async (bucket, key, version) => {
    buckets.get(bucket);
    const object =
      version === undefined ? objects.current(bucket, key) : objects.version(bucket, key, version);
    if (!object || object.deleteMarker)
      throw version === undefined ? noSuchKey(key) : noSuchVersion(key, version);
    const data = blobs.read(object.segments, 0, object.size);
    if (data instanceof Uint8Array) return data;
    const pieces: Uint8Array[] = [];
    for await (const piece of data) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces, object.size);
  };
}
