import type * as sdk from '@aws-sdk/client-cloudfront';
import { z } from 'zod';
import { tagsSchema } from '../../resource-properties.js';
import type { ResourceProperties } from '../../resource-type.js';

/** How CloudFormation spells a distribution's configuration, and how the CloudFront API does. */

const texts = z.array(z.string()).optional();
const text = z.string().optional();
const number = z.number().optional();
const flag = z.boolean().optional();
/** Lists whose items are not built: what asks for one is refused where the API's own are. */
const unbuilt = z.array(z.unknown()).optional();

const behavior = {
  TargetOriginId: z.string(),
  ViewerProtocolPolicy: z.string(),
  AllowedMethods: texts,
  CachedMethods: texts,
  CachePolicyId: text,
  Compress: flag,
  FieldLevelEncryptionId: text,
  ForwardedValues: z
    .strictObject({
      QueryString: z.boolean(),
      Cookies: z.strictObject({ Forward: z.string(), WhitelistedNames: texts }).optional(),
      Headers: texts,
      QueryStringCacheKeys: texts,
    })
    .optional(),
  FunctionAssociations: unbuilt,
  GrpcConfig: z.strictObject({ Enabled: z.boolean() }).optional(),
  LambdaFunctionAssociations: unbuilt,
  OriginRequestPolicyId: text,
  RealtimeLogConfigArn: text,
  ResponseHeadersPolicyId: text,
  SmoothStreaming: flag,
  TrustedKeyGroups: texts,
  TrustedSigners: texts,
  ...{ MinTTL: number, DefaultTTL: number, MaxTTL: number },
};

const origin = z.strictObject({
  Id: z.string(),
  DomainName: z.string(),
  OriginPath: text,
  OriginAccessControlId: text,
  S3OriginConfig: z.strictObject({ OriginAccessIdentity: text, OriginReadTimeout: number }).optional(),
  CustomOriginConfig: z
    .strictObject({
      ...{ HTTPPort: number, HTTPSPort: number, OriginReadTimeout: number, OriginKeepaliveTimeout: number },
      OriginProtocolPolicy: z.string(),
      OriginSSLProtocols: texts,
    })
    .optional(),
  OriginCustomHeaders: z
    .array(z.strictObject({ HeaderName: z.string(), HeaderValue: z.string() }))
    .optional(),
  OriginShield: z.strictObject({ Enabled: flag, OriginShieldRegion: text }).optional(),
  ConnectionAttempts: number,
  ConnectionTimeout: number,
});

const config = z.strictObject({
  Enabled: z.boolean(),
  Comment: text,
  DefaultRootObject: text,
  Origins: z.array(origin).default([]),
  DefaultCacheBehavior: z.strictObject(behavior),
  CacheBehaviors: z.array(z.strictObject({ PathPattern: z.string(), ...behavior })).default([]),
  CustomErrorResponses: z
    .array(
      z.strictObject({
        ErrorCode: z.number(),
        ResponseCode: number,
        ResponsePagePath: text,
        ErrorCachingMinTTL: number,
      }),
    )
    .default([]),
  Aliases: texts,
  HttpVersion: text,
  IPV6Enabled: flag,
  PriceClass: text,
  Restrictions: z
    .strictObject({ GeoRestriction: z.strictObject({ RestrictionType: z.string(), Locations: texts }) })
    .optional(),
  ViewerCertificate: z
    .strictObject({
      CloudFrontDefaultCertificate: flag,
      AcmCertificateArn: text,
      IamCertificateId: text,
      MinimumProtocolVersion: text,
      SslSupportMethod: text,
    })
    .optional(),
  WebACLId: text,
});

export const distributionSchema = z.strictObject({
  DistributionConfig: config,
  Tags: tagsSchema.optional(),
  // Read-only ones come back in documents that were read before.
  Id: text,
  DomainName: text,
});

type Properties = z.infer<typeof config>;
type BehaviorProperties = z.infer<z.ZodObject<typeof behavior>>;

const listOf = <T>(items: readonly T[] = []) => ({ Quantity: items.length, Items: [...items] });

/**
 * The configuration as the API takes it. Whether its words are those of the API is checked with it, as they are when
 * they come from there.
 */
export function toDistributionConfig(wanted: Properties, CallerReference: string): sdk.DistributionConfig {
  const { Origins, CacheBehaviors, DefaultCacheBehavior, CustomErrorResponses, IPV6Enabled, ...same } =
    wanted;
  const { GeoRestriction } = wanted.Restrictions ?? {};
  const { AcmCertificateArn, IamCertificateId, SslSupportMethod, ...certificate } =
    wanted.ViewerCertificate ?? {};
  return {
    ...same,
    CallerReference,
    Comment: wanted.Comment ?? '',
    Aliases: listOf(wanted.Aliases),
    Origins: listOf(
      Origins.map(({ OriginCustomHeaders, CustomOriginConfig: custom, ...rest }) => ({
        ...rest,
        CustomHeaders: listOf(OriginCustomHeaders),
        ...(custom && { CustomOriginConfig: toCustomOrigin(custom) }),
      })),
    ),
    DefaultCacheBehavior: toBehavior(DefaultCacheBehavior),
    CacheBehaviors: listOf(
      CacheBehaviors.map(({ PathPattern, ...rest }) => ({ ...toBehavior(rest), PathPattern })),
    ),
    CustomErrorResponses: listOf(
      CustomErrorResponses.map(({ ResponseCode, ...rest }) => ({
        ...rest,
        ...(ResponseCode !== undefined && { ResponseCode: String(ResponseCode) }),
      })),
    ),
    IsIPV6Enabled: IPV6Enabled,
    Restrictions: GeoRestriction && {
      GeoRestriction: {
        RestrictionType: GeoRestriction.RestrictionType,
        ...listOf(GeoRestriction.Locations),
      },
    },
    ViewerCertificate: {
      ...certificate,
      ACMCertificateArn: AcmCertificateArn,
      IAMCertificateId: IamCertificateId,
      SSLSupportMethod: SslSupportMethod,
    },
  } as sdk.DistributionConfig;
}

type CustomOriginProperties = NonNullable<z.infer<typeof origin>['CustomOriginConfig']>;

function toCustomOrigin({ OriginSSLProtocols, ...same }: CustomOriginProperties) {
  return { ...same, ...(OriginSSLProtocols && { OriginSslProtocols: listOf(OriginSSLProtocols) }) };
}

function fromOrigin({ CustomHeaders, CustomOriginConfig: custom, ...rest }: sdk.Origin) {
  const headers = CustomHeaders?.Items ?? [];
  const { OriginSslProtocols, ...same } = custom ?? {};
  return {
    ...rest,
    ...(headers.length > 0 && { OriginCustomHeaders: headers }),
    ...(custom && {
      CustomOriginConfig: { ...same, OriginSSLProtocols: OriginSslProtocols?.Items ?? [] },
    }),
  };
}

function toBehavior(wanted: BehaviorProperties) {
  const { AllowedMethods, CachedMethods, ForwardedValues: forwarded, ...rest } = wanted;
  const { TrustedKeyGroups, TrustedSigners, FunctionAssociations, LambdaFunctionAssociations } = wanted;
  return {
    ...rest,
    ...(AllowedMethods && {
      AllowedMethods: {
        ...listOf(AllowedMethods),
        ...(CachedMethods && { CachedMethods: listOf(CachedMethods) }),
      },
    }),
    FunctionAssociations: listOf(FunctionAssociations),
    LambdaFunctionAssociations: listOf(LambdaFunctionAssociations),
    TrustedKeyGroups: { Enabled: (TrustedKeyGroups ?? []).length > 0, ...listOf(TrustedKeyGroups) },
    TrustedSigners: { Enabled: (TrustedSigners ?? []).length > 0, ...listOf(TrustedSigners) },
    ...(forwarded && {
      ForwardedValues: {
        QueryString: forwarded.QueryString,
        Cookies: {
          Forward: forwarded.Cookies?.Forward ?? 'none',
          ...(forwarded.Cookies?.WhitelistedNames && {
            WhitelistedNames: listOf(forwarded.Cookies.WhitelistedNames),
          }),
        },
        Headers: listOf(forwarded.Headers),
        QueryStringCacheKeys: listOf(forwarded.QueryStringCacheKeys),
      },
    }),
  };
}

/** A configuration as CloudFormation reads it. */
export function distributionProperties(kept: sdk.DistributionConfig): ResourceProperties {
  const { Comment, DefaultRootObject, Enabled, HttpVersion, IsIPV6Enabled, PriceClass } = kept;
  const { MinimumProtocolVersion } = kept.ViewerCertificate ?? {};
  return {
    ...{ Comment, DefaultRootObject, Enabled, HttpVersion, IPV6Enabled: IsIPV6Enabled, PriceClass },
    Origins: (kept.Origins?.Items ?? []).map(fromOrigin),
    DefaultCacheBehavior: kept.DefaultCacheBehavior && fromBehavior(kept.DefaultCacheBehavior),
    CacheBehaviors: (kept.CacheBehaviors?.Items ?? []).map((one) => ({
      PathPattern: one.PathPattern,
      ...fromBehavior(one),
    })),
    CustomErrorResponses: (kept.CustomErrorResponses?.Items ?? []).map(
      ({ ResponseCode, ResponsePagePath, ...rest }) => ({
        ...rest,
        ...(ResponseCode && { ResponseCode: Number(ResponseCode) }),
        ...(ResponsePagePath && { ResponsePagePath }),
      }),
    ),
    Restrictions: { GeoRestriction: { RestrictionType: 'none' } },
    ViewerCertificate: { CloudFrontDefaultCertificate: true, MinimumProtocolVersion },
  };
}

function fromBehavior(kept: sdk.DefaultCacheBehavior): ResourceProperties {
  const { ForwardedValues: forwarded, AllowedMethods } = kept;
  const { TargetOriginId, ViewerProtocolPolicy, Compress, CachePolicyId, OriginRequestPolicyId } = kept;
  const { ResponseHeadersPolicyId, MinTTL, DefaultTTL, MaxTTL } = kept;
  const all = {
    ...{ TargetOriginId, ViewerProtocolPolicy, Compress, CachePolicyId, OriginRequestPolicyId },
    ...{ ResponseHeadersPolicyId, MinTTL, DefaultTTL, MaxTTL },
    AllowedMethods: AllowedMethods?.Items,
    CachedMethods: AllowedMethods?.CachedMethods?.Items,
    ForwardedValues: forwarded && {
      QueryString: forwarded.QueryString,
      Cookies: {
        Forward: forwarded.Cookies?.Forward,
        ...(forwarded.Cookies?.WhitelistedNames && {
          WhitelistedNames: forwarded.Cookies.WhitelistedNames.Items ?? [],
        }),
      },
      Headers: forwarded.Headers?.Items ?? [],
      QueryStringCacheKeys: forwarded.QueryStringCacheKeys?.Items ?? [],
    },
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
