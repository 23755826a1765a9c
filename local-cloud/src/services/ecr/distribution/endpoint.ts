/** What a path of the distribution API names (OCI distribution specification 1.1, "Endpoints"). */
export type Endpoint =
  | { readonly kind: 'base' | 'catalog' }
  | { readonly kind: 'tags' | 'uploads'; readonly repository: string }
  | {
      readonly kind: 'blob' | 'manifest' | 'referrers' | 'upload';
      readonly repository: string;
      readonly reference: string;
    };

const PREFIX = '/v2/';
const FORMS = [
  ['upload', /^(.+)\/blobs\/uploads\/([^/]+)$/],
  ['blob', /^(.+)\/blobs\/([^/]+)$/],
  ['manifest', /^(.+)\/manifests\/([^/]+)$/],
  ['referrers', /^(.+)\/referrers\/([^/]+)$/],
] as const;

/**
 * Reads a path, percent-encoded as it was sent. Names of repositories have slashes, so what they name is told from
 * its end.
 *
 * @returns undefined when it is no path of the API.
 */
export function readEndpoint(path: string): Endpoint | undefined {
  if (!path.startsWith(PREFIX)) return undefined;
  let rest: string;
  try {
    rest = decodeURIComponent(path.slice(PREFIX.length));
  } catch {
    return undefined;
  }
  if (rest === '') return { kind: 'base' };
  if (rest === '_catalog') return { kind: 'catalog' };
  const tags = /^(.+)\/tags\/list$/.exec(rest)?.[1];
  if (tags !== undefined) return { kind: 'tags', repository: tags };
  const uploads = /^(.+)\/blobs\/uploads\/?$/.exec(rest)?.[1];
  if (uploads !== undefined) return { kind: 'uploads', repository: uploads };
  for (const [kind, form] of FORMS) {
    const [, repository, reference] = form.exec(rest) ?? [];
    if (repository !== undefined && reference !== undefined) return { kind, repository, reference };
  }
  return undefined;
}

/** Whether an Accept header (RFC 9110, section 12.5.1) lets a media type through; without one, all are welcome. */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const ranges = header.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  return ranges.some((range) => range === '*/*' || range === 'application/*' || range === mediaType);
}

/**
 * Reads the Content-Range of a chunk: `0-1023`, or `bytes 0-1023/2048` as some clients write it.
 *
 * @returns the first and last byte; undefined when it is malformed.
 */
export function readContentRange(header: string): { first: number; last: number } | undefined {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d{1,15}|\*))?$/.exec(header.trim());
  if (!match) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  return last < first ? undefined : { first, last };
}
