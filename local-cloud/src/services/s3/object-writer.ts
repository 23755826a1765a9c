import { asStream } from './blob-store.js';
import { checkKey, describe } from './object-description.js';
import { data, keep } from './object-writes.js';
import { requestBody } from './request-body.js';
import type { S3State } from './state.js';

/**
 * Writes whole objects on behalf of other services, such as a rule of AWS IoT; resolves when the object is kept.
 * Whether the caller may is for the other service to ask.
 *
 * @throws AwsError `NoSuchBucket`, `KeyTooLongError`, `AccessControlListNotSupported`.
 */
export type ObjectWriter = (
  bucket: string,
  key: string,
  bytes: Uint8Array,
  options?: { readonly cannedAcl?: string | undefined },
) => Promise<void>;

export function objectWriter(state: S3State): ObjectWriter {
  return async (bucket, key, bytes, { cannedAcl } = {}) => {
    checkKey(key);
    const description = describe(state.buckets.get(bucket), {
      ...(cannedAcl !== undefined && { ACL: cannedAcl }),
    });
    const body = requestBody({ headers: {}, body: asStream(bytes) });
    const segment = await state.blobs.write(body.parts());
    keep(state, bucket, key, {}, { ...description, ...data(segment, body.sums()) });
  };
}
