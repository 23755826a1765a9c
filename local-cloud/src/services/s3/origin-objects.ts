import type { Readable } from 'node:stream';
import { AwsError } from '../../errors.js';
import { evaluate, parsePolicyDocument } from '../../policy/index.js';
import { resourceAccess, type ServiceCaller } from '../../resource-access.js';
import type { S3Roles } from './access.js';
import { bucketArn } from './arns.js';
import type { Bucket } from './bucket-store.js';
import { noSuchKey } from './errors.js';
import type { S3State } from './state.js';

/** An object as a service that passes it on over HTTP sees it. */
export interface OriginObject {
  /** Headers that describe it, names in lower case: `content-type`, `cache-control`, `x-amz-meta-…`. */
  readonly headers: Readonly<Record<string, string>>;
  /** In quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Readable | Uint8Array;
}

/**
 * Finds objects for a service that passes them on, such as CloudFront, if the bucket's policy allows it.
 *
 * @param caller undefined: the service asks as anybody on the internet would.
 * @throws AwsError `NoSuchBucket`, `AccessDenied`, `NoSuchKey`; the last one only where the bucket may be listed.
 */
export type OriginObjects = (bucket: string, key: string, caller: ServiceCaller | undefined) => OriginObject;

export function originObjects({ base, buckets, objects, blobs }: S3State, roles: S3Roles): OriginObjects {
  const access = resourceAccess(base, roles);

  function isAllowed(caller: ServiceCaller | undefined, bucket: Bucket, action: string, key?: string) {
    const resource = bucketArn(bucket.name, key);
    const { policy } = bucket;
    if (caller) return access.serviceRefusal(caller, { action, resource, policy }) === undefined;
    if (policy === undefined || bucket.publicAccessBlock?.RestrictPublicBuckets) return false;
    const context = new Map([['aws:currenttime', new Date(base.clock.now()).toISOString()]]);
    const request = { action, resource, context, principal: { kind: 'anonymous' } as const };
    return evaluate([parsePolicyDocument(policy, 'resource')], request) === 'allowed';
  }

  return (bucketName, key, caller) => {
    const bucket = buckets.get(bucketName);
    if (!isAllowed(caller, bucket, 's3:GetObject', key)) throw accessDenied();
    const object = objects.current(bucket.name, key);
    if (!object || object.deleteMarker) {
      throw isAllowed(caller, bucket, 's3:ListBucket') ? noSuchKey(key) : accessDenied();
    }
    const { CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentType, ExpiresString } =
      object.headers;
    const headers = {
      'cache-control': CacheControl,
      'content-disposition': ContentDisposition,
      'content-encoding': ContentEncoding,
      'content-language': ContentLanguage,
      'content-type': ContentType,
      expires: ExpiresString,
      ...Object.fromEntries(
        Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
      ),
    };
    return {
      headers: Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
      etag: object.etag,
      lastModified: object.lastModified,
      size: object.size,
      read: (start, end) => blobs.read(object.segments, start, end),
    };
  };
}

function accessDenied(): AwsError {
  return new AwsError('AccessDenied', 'Access Denied', 403);
}
