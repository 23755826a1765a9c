import { validateHeaderName, validateHeaderValue } from 'node:http';
import type * as sdk from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import { assertCachePolicy } from './cache-policies.js';
import { invalidArgument, noSuch, notBuilt } from './errors.js';
import { assertOriginRequestPolicy } from './forwarding.js';

/** What a distribution's configuration may name. */
export interface KnownParts {
  /** The kind of origins that an origin access control is for; undefined: there is no such one. */
  originTypeOf(accessControlId: string): string | undefined;
  hasResponseHeadersPolicy(id: string): boolean;
}

type Behavior = sdk.DefaultCacheBehavior & { readonly PathPattern?: string | undefined };

const METHODS = ['HEAD', 'GET'] as const;
const NONE = { Quantity: 0 };
/** Names of a bucket's host on AWS, with or without a region. */
const S3_HOST =
  /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3(?:[.-][a-z0-9-]+|\.dualstack\.[a-z0-9-]+)?\.amazonaws\.com$/;

/** The host of a function's URL on AWS. */
const FUNCTION_URL_HOST = /^([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.on\.aws$/;

/** Where an origin's answers come from: a bucket, or the function whose URL has that id. */
export type OriginTarget =
  | { readonly kind: 's3'; readonly bucket: string }
  | { readonly kind: 'lambda'; readonly urlId: string };

/** What an origin's domain name means; undefined: nothing that is here. */
export function targetOfDomain(domainName: string): OriginTarget | undefined {
  const [, bucket] = S3_HOST.exec(domainName) ?? [];
  if (bucket !== undefined) return { kind: 's3', bucket };
  const [, urlId] = FUNCTION_URL_HOST.exec(domainName) ?? [];
  return urlId === undefined ? undefined : { kind: 'lambda', urlId };
}

/**
 * The configuration of a distribution with all that it leaves out, as CloudFront keeps it.
 *
 * @throws AwsError when something of it is invalid or not built.
 */
export function checkedConfig(
  given: sdk.DistributionConfig | undefined,
  known: KnownParts,
): sdk.DistributionConfig {
  if (!given) throw invalidArgument('The parameter DistributionConfig is required.');
  assertQuantities(given);
  assertBuilt(given);
  const { DefaultCacheBehavior: byDefault, DefaultRootObject: root = '' } = given;
  if (!given.CallerReference) throw invalidArgument('The parameter CallerReference is required.');
  if (!byDefault) throw invalidArgument('The parameter DefaultCacheBehavior is required.');
  if (root.startsWith('/') || root.length > 255) {
    throw new AwsError(
      'InvalidDefaultRootObject',
      'The default root object file name is too big or contains an invalid character.',
    );
  }
  const origins = (given.Origins?.Items ?? []).map((origin) => checkedOrigin(origin, known));
  if (origins.length === 0) throw invalidArgument('The parameter Origins is required.');
  const ids = new Set(origins.map(({ Id }) => Id ?? ''));
  if (ids.size < origins.length) throw invalidArgument('The parameter Origin Id is not unique.');
  const behaviors = (given.CacheBehaviors?.Items ?? []).map((behavior) => {
    if (!behavior.PathPattern) throw invalidArgument('The parameter PathPattern is required.');
    return { ...checkedBehavior(behavior, ids, known), PathPattern: behavior.PathPattern };
  });
  return {
    ...given,
    Comment: given.Comment ?? '',
    Enabled: given.Enabled ?? false,
    Aliases: NONE,
    DefaultRootObject: root,
    Origins: { Quantity: origins.length, Items: origins },
    OriginGroups: NONE,
    DefaultCacheBehavior: checkedBehavior(byDefault, ids, known),
    CacheBehaviors: list(behaviors),
    CustomErrorResponses: list((given.CustomErrorResponses?.Items ?? []).map(checkedErrorResponse)),
    Logging: { Enabled: false, IncludeCookies: false, Bucket: '', Prefix: '' },
    PriceClass: given.PriceClass ?? 'PriceClass_All',
    ViewerCertificate: {
      CloudFrontDefaultCertificate: true,
      SSLSupportMethod: 'vip',
      MinimumProtocolVersion: given.ViewerCertificate?.MinimumProtocolVersion ?? 'TLSv1',
      CertificateSource: 'cloudfront',
    },
    Restrictions: { GeoRestriction: { RestrictionType: 'none', Quantity: 0 } },
    WebACLId: '',
    HttpVersion: given.HttpVersion ?? 'http2',
    IsIPV6Enabled: given.IsIPV6Enabled ?? true,
    ContinuousDeploymentPolicyId: '',
    Staging: false,
  };
}

function checkedOrigin(origin: sdk.Origin, known: KnownParts): sdk.Origin {
  const { Id, DomainName = '', OriginPath = '', OriginAccessControlId = '' } = origin;
  if (!Id) throw invalidArgument('The parameter Origin Id is required.');
  if (OriginPath !== '' && !/^\/.*[^/]$/.test(OriginPath)) {
    throw invalidArgument('The parameter OriginPath has to begin with / and not to end with it.');
  }
  const target = targetOfDomain(DomainName);
  if (!target) {
    throw notBuilt(`The origin ${DomainName}, which is neither a bucket's nor a function URL's,`);
  }
  const { CustomOriginConfig: custom } = origin;
  if ((target.kind === 'lambda') !== (custom !== undefined)) {
    throw invalidArgument(
      custom
        ? `A CustomOriginConfig for the bucket ${DomainName} is not built in the local cloud`
        : `The parameter Origin DomainName does not refer to a valid S3 bucket: ${DomainName}`,
    );
  }
  if (OriginAccessControlId !== '' && known.originTypeOf(OriginAccessControlId) !== target.kind) {
    throw new AwsError('InvalidOriginAccessControl', 'The origin access control is not valid.');
  }
  return {
    ...{ Id, DomainName, OriginPath, OriginAccessControlId },
    CustomHeaders: list(checkedHeaders(origin.CustomHeaders?.Items ?? [])),
    ...(custom
      ? {
          CustomOriginConfig: {
            HTTPPort: custom.HTTPPort ?? 80,
            HTTPSPort: custom.HTTPSPort ?? 443,
            OriginProtocolPolicy: custom.OriginProtocolPolicy ?? 'https-only',
            OriginSslProtocols: custom.OriginSslProtocols ?? { Quantity: 1, Items: ['TLSv1.2'] },
            OriginReadTimeout: custom.OriginReadTimeout ?? 30,
            OriginKeepaliveTimeout: custom.OriginKeepaliveTimeout ?? 5,
          },
        }
      : { S3OriginConfig: { OriginAccessIdentity: '' } }),
    ConnectionAttempts: origin.ConnectionAttempts ?? 3,
    ConnectionTimeout: origin.ConnectionTimeout ?? 10,
    OriginShield: { Enabled: false },
  };
}

/** Headers that CloudFront adds to what it asks of an origin. */
function checkedHeaders(headers: readonly sdk.OriginCustomHeader[]): sdk.OriginCustomHeader[] {
  return headers.map(({ HeaderName = '', HeaderValue = '' }) => {
    try {
      validateHeaderName(HeaderName);
      validateHeaderValue(HeaderName, HeaderValue);
    } catch (error) {
      throw invalidArgument(error instanceof Error ? error.message : String(error));
    }
    return { HeaderName, HeaderValue };
  });
}

function checkedBehavior(
  behavior: Behavior,
  originIds: ReadonlySet<string>,
  known: KnownParts,
): sdk.DefaultCacheBehavior {
  const { TargetOriginId = '', CachePolicyId, ForwardedValues, ViewerProtocolPolicy } = behavior;
  const { ResponseHeadersPolicyId, OriginRequestPolicyId } = behavior;
  if (!originIds.has(TargetOriginId)) {
    throw noSuch('Origin', 'One or more of your origins or origin groups do not exist.');
  }
  if (!['allow-all', 'https-only', 'redirect-to-https'].includes(ViewerProtocolPolicy ?? '')) {
    throw invalidArgument('The parameter ViewerProtocolPolicy is not valid.');
  }
  if (CachePolicyId) {
    assertCachePolicy(CachePolicyId);
    if (ForwardedValues) {
      throw invalidArgument(
        'The parameter ForwardedValues cannot be used when a cache policy is associated.',
      );
    }
  } else if (!ForwardedValues) throw invalidArgument('The parameter ForwardedValues is required.');
  if (OriginRequestPolicyId) assertOriginRequestPolicy(OriginRequestPolicyId);
  if (ResponseHeadersPolicyId && !known.hasResponseHeadersPolicy(ResponseHeadersPolicyId)) {
    throw noSuch('ResponseHeadersPolicy', 'The response headers policy does not exist.');
  }
  const allowed = behavior.AllowedMethods?.Items ?? [...METHODS];
  const cached = behavior.AllowedMethods?.CachedMethods?.Items ?? [...METHODS];
  return {
    TargetOriginId,
    TrustedSigners: { Enabled: false, Quantity: 0 },
    TrustedKeyGroups: { Enabled: false, Quantity: 0 },
    ViewerProtocolPolicy,
    AllowedMethods: {
      Quantity: allowed.length,
      Items: allowed,
      CachedMethods: { Quantity: cached.length, Items: cached },
    },
    SmoothStreaming: false,
    Compress: behavior.Compress ?? false,
    LambdaFunctionAssociations: NONE,
    FunctionAssociations: NONE,
    FieldLevelEncryptionId: '',
    GrpcConfig: { Enabled: false },
    ...(CachePolicyId && { CachePolicyId }),
    ...(OriginRequestPolicyId && { OriginRequestPolicyId }),
    ...(ResponseHeadersPolicyId && { ResponseHeadersPolicyId }),
    ...(ForwardedValues && {
      ForwardedValues,
      MinTTL: behavior.MinTTL ?? 0,
      DefaultTTL: behavior.DefaultTTL ?? 86_400,
      MaxTTL: behavior.MaxTTL ?? 31_536_000,
    }),
  };
}

const ERRORS = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

function checkedErrorResponse(response: sdk.CustomErrorResponse): sdk.CustomErrorResponse {
  const { ErrorCode = 0, ResponsePagePath = '', ResponseCode = '', ErrorCachingMinTTL = 10 } = response;
  if (!ERRORS.includes(ErrorCode)) {
    throw new AwsError('InvalidErrorCode', 'An invalid error code was specified.');
  }
  if (ResponsePagePath !== '' && !ResponsePagePath.startsWith('/')) {
    throw invalidArgument('The parameter ResponsePagePath has to begin with /.');
  }
  const isWhole = (ResponsePagePath === '') === (ResponseCode === '');
  if (!isWhole || (ResponseCode !== '' && ![200, ...ERRORS].includes(Number(ResponseCode)))) {
    throw new AwsError('InvalidResponseCode', 'A response code is invalid, or comes without its page.');
  }
  return { ErrorCode, ResponsePagePath, ResponseCode, ErrorCachingMinTTL };
}

function list<T>(items: T[]): { Quantity: number; Items?: T[] } {
  return { Quantity: items.length, ...(items.length > 0 && { Items: items }) };
}

/** What a configuration may say, but not yet here. */
function assertBuilt(config: sdk.DistributionConfig): void {
  const has = (some: { Quantity?: number | undefined } | undefined) => (some?.Quantity ?? 0) > 0;
  const unbuilt = new Map<string, boolean>([
    ['Aliases', has(config.Aliases)],
    ['OriginGroups', has(config.OriginGroups)],
    ['Logging', config.Logging?.Enabled === true],
    [
      'A ViewerCertificate of your own',
      Boolean(config.ViewerCertificate?.ACMCertificateArn || config.ViewerCertificate?.IAMCertificateId),
    ],
    ['GeoRestriction', (config.Restrictions?.GeoRestriction?.RestrictionType ?? 'none') !== 'none'],
    ['WebACLId', Boolean(config.WebACLId)],
    ['ContinuousDeploymentPolicyId', Boolean(config.ContinuousDeploymentPolicyId)],
    ['Staging', config.Staging === true],
    ['AnycastIpListId', Boolean(config.AnycastIpListId)],
    ['TenantConfig', config.TenantConfig !== undefined || config.ConnectionMode === 'tenant-only'],
    ['ViewerMtlsConfig', config.ViewerMtlsConfig !== undefined],
    ['ConnectionFunctionAssociation', config.ConnectionFunctionAssociation !== undefined],
    ['CacheTagConfig', config.CacheTagConfig !== undefined],
  ]);
  for (const origin of config.Origins?.Items ?? []) {
    if (origin.VpcOriginConfig) unbuilt.set('VpcOriginConfig', true);
    if (origin.S3OriginConfig?.OriginAccessIdentity) unbuilt.set('OriginAccessIdentity', true);
    if (origin.OriginShield?.Enabled) unbuilt.set('OriginShield', true);
  }
  for (const behavior of [config.DefaultCacheBehavior, ...(config.CacheBehaviors?.Items ?? [])]) {
    if (has(behavior?.FunctionAssociations)) unbuilt.set('FunctionAssociations', true);
    if (has(behavior?.LambdaFunctionAssociations)) unbuilt.set('LambdaFunctionAssociations', true);
    if (behavior?.FieldLevelEncryptionId) unbuilt.set('FieldLevelEncryptionId', true);
    if (behavior?.RealtimeLogConfigArn) unbuilt.set('RealtimeLogConfigArn', true);
    if (behavior?.TrustedSigners?.Enabled) unbuilt.set('TrustedSigners', true);
    if (behavior?.TrustedKeyGroups?.Enabled) unbuilt.set('TrustedKeyGroups', true);
    if (behavior?.GrpcConfig?.Enabled) unbuilt.set('GrpcConfig', true);
    if (behavior?.SmoothStreaming) unbuilt.set('SmoothStreaming', true);
  }
  const names = [...unbuilt].filter(([, isAsked]) => isAsked).map(([name]) => name);
  if (names.length > 0) throw notBuilt(names.join(', '));
}

/** @throws AwsError `InconsistentQuantities` when a list has not as many items as it says. */
function assertQuantities(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { Quantity, Items } = value as { Quantity?: unknown; Items?: unknown };
  if (typeof Quantity === 'number' && Quantity !== (Array.isArray(Items) ? Items.length : 0)) {
    throw new AwsError('InconsistentQuantities', "The value of Quantity and the size of Items don't match.");
  }
  for (const member of Object.values(value)) assertQuantities(member);
}
