import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { DefaultCacheBehavior } from '@aws-sdk/client-cloudfront';
import { encodingsOf } from './cache-policies.js';

const compressWith = {
  br: (bytes: Uint8Array) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (bytes: Uint8Array) => promisify(gzip)(bytes),
};

export type Encoding = keyof typeof compressWith;

/** Bytes of objects that are compressed (CloudFront developer guide, "Serve compressed files"). */
const SIZES = { least: 1000, most: 10_000_000 };

/** Types of files that are compressed (the same page). */
const TYPES: ReadonlySet<string> = new Set(
  `application/dash+xml application/eot application/font application/font-sfnt application/javascript
  application/json application/opentype application/otf application/pdf application/pkcs7-mime
  application/protobuf application/rss+xml application/truetype application/ttf application/vnd.apple.mpegurl
  application/vnd.mapbox-vector-tile application/vnd.ms-fontobject application/wasm application/xhtml+xml
  application/xml application/x-font-opentype application/x-font-truetype application/x-font-ttf
  application/x-httpd-cgi application/x-javascript application/x-mpegurl application/x-opentype
  application/x-otf application/x-perl application/x-ttf font/eot font/opentype font/otf font/ttf image/svg+xml
  text/css text/csv text/html text/javascript text/js text/plain text/richtext text/tab-separated-values
  text/xml text/x-component text/x-java-source text/x-script vnd.apple.mpegurl`.split(/\s+/),
);

/** The encoding in which an answer is sent; undefined: as it is. */
export function encodingFor(
  behavior: DefaultCacheBehavior,
  acceptEncoding: string | undefined,
  content: { readonly type: string | undefined; readonly size: number },
): Encoding | undefined {
  const type = (content.type ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!behavior.Compress || !TYPES.has(type)) return undefined;
  if (content.size < SIZES.least || content.size > SIZES.most) return undefined;
  // Without a cache policy there is no Brotli.
  const allowed = behavior.CachePolicyId ? encodingsOf(behavior.CachePolicyId) : { gzip: true, br: false };
  const accepted = acceptedEncodings(acceptEncoding);
  return (['br', 'gzip'] as const).find((encoding) => allowed?.[encoding] && accepted.has(encoding));
}

/** The encodings that a client takes (RFC 9110, section 12.5.3), names in lower case. */
export function acceptedEncodings(header: string | undefined): ReadonlySet<string> {
  const accepted = new Set<string>();
  for (const part of (header ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    if (name !== '' && Number(quality) > 0) accepted.add(name);
  }
  return accepted;
}

export function compress(bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  return compressWith[encoding](bytes);
}
