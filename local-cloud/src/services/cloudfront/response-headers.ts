import type {
  ResponseHeadersPolicyConfig,
  ResponseHeadersPolicyCorsConfig,
  ResponseHeadersPolicySecurityHeadersConfig,
} from '@aws-sdk/client-cloudfront';
import type { HttpRequest } from '../../http/messages.js';
import { matchesOrigin } from '../../http/origin-pattern.js';
import { withVary } from '../../http/vary.js';

/** A header that a policy adds. */
interface PolicyHeader {
  /** Lower case. */
  readonly name: string;
  readonly value: string;
  /** Whether it takes the place of what the origin says. */
  readonly override: boolean;
}

const ALL_METHODS = ['GET', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

/**
 * The headers of an answer after a policy was applied to those of the origin (CloudFront developer guide, "Understand
 * response headers policies"). Names of headers are in lower case.
 */
export function withPolicy(
  policy: ResponseHeadersPolicyConfig,
  headers: Readonly<Record<string, string>>,
  request: Pick<HttpRequest, 'method' | 'headers'>,
): Record<string, string> {
  const result = { ...headers };
  for (const { Header = '' } of policy.RemoveHeadersConfig?.Items ?? []) delete result[Header.toLowerCase()];
  const cors = policy.CorsConfig ? corsHeaders(policy.CorsConfig, request) : {};
  // The origin's CORS headers stay together, or go together.
  const isOfCors = (name: string) => name.startsWith('access-control-');
  if (policy.CorsConfig?.OriginOverride && Object.keys(cors).length > 0) {
    for (const name of Object.keys(result).filter(isOfCors)) delete result[name];
  }
  if (!Object.keys(result).some(isOfCors)) Object.assign(result, cors);
  const origins = policy.CorsConfig?.AccessControlAllowOrigins?.Items ?? ['*'];
  if (!origins.includes('*')) result.vary = withVary(result.vary, 'Origin');
  for (const { name, value, override } of policyHeaders(policy)) {
    if (override || result[name] === undefined) result[name] = value;
  }
  return result;
}

/** The headers that a policy adds to every answer: custom ones and those of security. */
export function policyHeaders(policy: ResponseHeadersPolicyConfig): PolicyHeader[] {
  const custom = (policy.CustomHeadersConfig?.Items ?? []).map(({ Header, Value, Override }) => ({
    name: (Header ?? '').toLowerCase(),
    value: Value ?? '',
    override: Override ?? false,
  }));
  return [...custom, ...securityHeaders(policy.SecurityHeadersConfig ?? {})];
}

function securityHeaders(config: ResponseHeadersPolicySecurityHeadersConfig): PolicyHeader[] {
  const {
    StrictTransportSecurity: transport,
    XSSProtection: xss,
    ContentSecurityPolicy: content,
    FrameOptions: frame,
    ReferrerPolicy: referrer,
    ContentTypeOptions: type,
  } = config;
  const rows: readonly [name: string, of: { Override?: boolean | undefined } | undefined, value: string][] = [
    [
      'strict-transport-security',
      transport,
      [
        `max-age=${transport?.AccessControlMaxAgeSec ?? 0}`,
        ...(transport?.IncludeSubdomains ? ['includeSubDomains'] : []),
        ...(transport?.Preload ? ['preload'] : []),
      ].join('; '),
    ],
    [
      'x-xss-protection',
      xss,
      [
        xss?.Protection ? '1' : '0',
        ...(xss?.Protection && xss.ModeBlock ? ['mode=block'] : []),
        ...(xss?.Protection && xss.ReportUri ? [`report=${xss.ReportUri}`] : []),
      ].join('; '),
    ],
    ['content-security-policy', content, content?.ContentSecurityPolicy ?? ''],
    ['x-frame-options', frame, frame?.FrameOption ?? ''],
    ['referrer-policy', referrer, referrer?.ReferrerPolicy ?? ''],
    ['x-content-type-options', type, 'nosniff'],
  ];
  return rows.flatMap(([name, of, value]) => (of ? [{ name, value, override: of.Override ?? false }] : []));
}

/** Nothing when the request is not from a page of another origin, or from one that is not allowed. */
function corsHeaders(
  config: ResponseHeadersPolicyCorsConfig,
  { method, headers }: Pick<HttpRequest, 'method' | 'headers'>,
): Record<string, string> {
  const { origin } = headers;
  const patterns = config.AccessControlAllowOrigins?.Items ?? [];
  if (origin === undefined || !patterns.some((pattern) => matchesOrigin(pattern, origin))) return {};
  const isForAll = patterns.includes('*');
  const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
  const exposed = config.AccessControlExposeHeaders?.Items ?? [];
  const methods = config.AccessControlAllowMethods?.Items ?? [];
  return {
    'access-control-allow-origin': isForAll ? '*' : origin,
    ...(config.AccessControlAllowCredentials && { 'access-control-allow-credentials': 'true' }),
    ...(isPreflight && {
      'access-control-allow-methods': (methods.includes('ALL') ? ALL_METHODS : methods).join(', '),
      'access-control-allow-headers': (config.AccessControlAllowHeaders?.Items ?? []).join(', '),
      ...(config.AccessControlMaxAgeSec !== undefined && {
        'access-control-max-age': String(config.AccessControlMaxAgeSec),
      }),
    }),
    ...(!isPreflight && exposed.length > 0 && { 'access-control-expose-headers': exposed.join(', ') }),
  };
}
