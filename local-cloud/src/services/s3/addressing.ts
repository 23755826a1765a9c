import type { HttpRequest } from '../../http/messages.js';

/** What a request is about: nothing (the account), a bucket, or an object in it. */
export interface Address {
  readonly bucket: string | undefined;
  /** The path without the bucket, percent-encoded: `/` or `/{key}`. */
  readonly path: string;
}

/**
 * Finds the bucket of a request: virtual-hosted style where the host names one (`bucket.s3.region.amazonaws.com`,
 * `bucket.localhost`), path style otherwise (S3 user guide, "Virtual hosting of buckets").
 */
export function addressOf({ headers, path }: HttpRequest): Address {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const inHost = /^(.+?)\.(?:s3[.-].+|s3|localhost)$/.exec(host)?.[1];
  if (inHost !== undefined && inHost !== 's3') return { bucket: inHost, path };
  const [, bucket = '', ...rest] = path.split('/');
  if (bucket === '') return { bucket: undefined, path: '/' };
  return { bucket: decode(bucket), path: `/${rest.join('/')}` };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Whether S3 accepts a name for a new bucket (S3 user guide, "General purpose bucket naming rules").
 */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)
  );
}
