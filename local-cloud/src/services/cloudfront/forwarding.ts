import type { DefaultCacheBehavior } from '@aws-sdk/client-cloudfront';
import type { HttpRequest } from '../../http/messages.js';
import { noSuch } from './errors.js';
import { MANAGED_CACHE_POLICIES } from './managed-cache-policies.js';

/** What of a viewer's request an origin gets, besides its method, path and body. */
export interface Forwarding {
  /** Names in lower case, without `cookie`. */
  readonly headers: 'all' | ReadonlySet<string>;
  readonly cookies: boolean;
  readonly queries: boolean;
}

const NOTHING: Forwarding = { headers: new Set(), cookies: false, queries: false };
const only = (...names: string[]): Forwarding => ({ ...NOTHING, headers: new Set(names) });
const EVERYTHING: Forwarding = { headers: 'all', cookies: true, queries: true };

/** The origin request policies that AWS manages (CloudFront developer guide, "Use managed origin request policies"). */
const ORIGIN_REQUEST_POLICIES: ReadonlyMap<string, Forwarding> = new Map([
  // AllViewer, AllViewerAndCloudFrontHeaders-2022-06, AllViewerExceptHostHeader
  ['216adef6-5c7f-47e4-b989-5492eafa07d3', EVERYTHING],
  ['33f36d7e-f396-46d9-90e0-52428a34d9dc', EVERYTHING],
  ['b689b0a8-53d0-40ab-baf2-68738e2966ac', EVERYTHING],
  // CORS-CustomOrigin, CORS-S3Origin, UserAgentRefererHeaders
  ['59781a5b-3903-41f3-afcb-af62929ccde1', only('origin')],
  [
    '88a5eaf4-2fd4-4709-b370-b4c650ea3fcf',
    only('origin', 'access-control-request-headers', 'access-control-request-method'),
  ],
  ['acba4595-bd28-49b8-b9fe-13317c0390fa', only('user-agent', 'referer')],
]);

/** Headers that go to the origin whatever a behaviour says: what the body is, and which part or version is wanted. */
const ALWAYS = new Set([
  'content-encoding',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'x-amz-content-sha256',
]);
/** Headers of the connection to the viewer, and the host, which is the origin's. */
const NEVER = new Set([
  'connection',
  'cookie',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);
/** Without a cache policy all headers are passed on but these, unless they are listed. */
const LEGACY_REMOVED = [
  'accept',
  'accept-charset',
  'accept-language',
  'authorization',
  'referer',
  'user-agent',
];

/** @throws AwsError `NoSuchOriginRequestPolicy`. */
export function assertOriginRequestPolicy(policyId: string): void {
  if (ORIGIN_REQUEST_POLICIES.has(policyId)) return;
  throw noSuch('OriginRequestPolicy', 'The origin request policy does not exist.');
}

/** The query string that an origin gets of a request. */
export function forwardedQuery(behavior: DefaultCacheBehavior, rawQuery: string): string {
  return forwardings(behavior).some(({ queries }) => queries) ? rawQuery : '';
}

/** The headers that an origin gets of a request, but its host; names in lower case. */
export function forwardedHeaders(
  behavior: DefaultCacheBehavior,
  headers: HttpRequest['headers'],
): Record<string, string> {
  const all = forwardings(behavior);
  const isForwarded = (name: string) =>
    ALWAYS.has(name) || all.some((one) => one.headers === 'all' || one.headers.has(name));
  const removed = new Set(legacyRemoved(behavior));
  const passed = Object.entries(headers).filter(
    ([name]) => !NEVER.has(name) && !removed.has(name) && isForwarded(name),
  );
  return {
    'user-agent': 'Amazon CloudFront',
    ...Object.fromEntries(passed),
    ...(headers.cookie !== undefined && all.some(({ cookies }) => cookies) && { cookie: headers.cookie }),
  };
}

/** What the parts of a behaviour let through; together they let through what one of them does. */
function forwardings(behavior: DefaultCacheBehavior): Forwarding[] {
  const { CachePolicyId = '', OriginRequestPolicyId = '', ForwardedValues: legacy } = behavior;
  if (legacy) {
    const forward = legacy.Cookies?.Forward ?? 'none';
    return [{ headers: 'all', cookies: forward !== 'none', queries: legacy.QueryString ?? false }];
  }
  const key = MANAGED_CACHE_POLICIES.get(CachePolicyId)?.config.ParametersInCacheKeyAndForwardedToOrigin;
  const ofCache: Forwarding = {
    headers: new Set((key?.HeadersConfig?.Headers?.Items ?? []).map((name) => name.toLowerCase())),
    cookies: key?.CookiesConfig?.CookieBehavior === 'all',
    queries: key?.QueryStringsConfig?.QueryStringBehavior === 'all',
  };
  return [ofCache, ORIGIN_REQUEST_POLICIES.get(OriginRequestPolicyId) ?? NOTHING];
}

function legacyRemoved({ ForwardedValues: legacy }: DefaultCacheBehavior): string[] {
  if (!legacy) return [];
  const listed = (legacy.Headers?.Items ?? []).map((name) => name.toLowerCase());
  return listed.includes('*') ? [] : LEGACY_REMOVED.filter((name) => !listed.includes(name));
}
