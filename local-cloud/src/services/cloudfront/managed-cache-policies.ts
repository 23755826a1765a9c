import type { CachePolicyConfig, ParametersInCacheKeyAndForwardedToOrigin } from '@aws-sdk/client-cloudfront';

export interface CachePolicy {
  readonly id: string;
  readonly config: CachePolicyConfig & {
    readonly ParametersInCacheKeyAndForwardedToOrigin: ParametersInCacheKeyAndForwardedToOrigin;
  };
}

/** Least, default and longest time in seconds. */
type Times = readonly [number, number, number];

function policy(
  [id, Name]: readonly [string, string],
  [MinTTL, DefaultTTL, MaxTTL]: Times,
  compresses: boolean,
  parameters: Partial<ParametersInCacheKeyAndForwardedToOrigin> = {},
): CachePolicy {
  return {
    id,
    config: {
      ...{ Name, Comment: '', MinTTL, DefaultTTL, MaxTTL },
      ParametersInCacheKeyAndForwardedToOrigin: {
        EnableAcceptEncodingGzip: compresses,
        EnableAcceptEncodingBrotli: compresses,
        HeadersConfig: { HeaderBehavior: 'none' },
        CookiesConfig: { CookieBehavior: 'none' },
        QueryStringsConfig: { QueryStringBehavior: 'none' },
        ...parameters,
      },
    },
  };
}

const A_DAY: Times = [1, 86_400, 31_536_000];
const AS_THE_ORIGIN_SAYS: Times = [0, 0, 31_536_000];
const ofOrigin: Partial<ParametersInCacheKeyAndForwardedToOrigin> = {
  CookiesConfig: { CookieBehavior: 'all' },
  HeadersConfig: {
    HeaderBehavior: 'whitelist',
    Headers: {
      Quantity: 5,
      Items: ['Host', 'Origin', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'],
    },
  },
};

/** The cache policies that AWS manages (CloudFront developer guide, "Use managed cache policies"). */
export const MANAGED_CACHE_POLICIES: ReadonlyMap<string, CachePolicy> = new Map(
  [
    policy(['658327ea-f89d-4fab-a63d-7e88639e58f6', 'Managed-CachingOptimized'], A_DAY, true),
    policy(
      ['b2884449-e4de-46a7-ac36-70bc7f1ddd6d', 'Managed-CachingOptimizedForUncompressedObjects'],
      A_DAY,
      false,
    ),
    policy(['4135ea2d-6df8-44a3-9df3-4b5a84be39ad', 'Managed-CachingDisabled'], [0, 0, 0], false),
    policy(
      ['83da9c7e-98b4-4e11-a168-04f0df8e2c65', 'UseOriginCacheControlHeaders'],
      AS_THE_ORIGIN_SAYS,
      true,
      ofOrigin,
    ),
    policy(
      ['4cc15a8a-d715-48a4-82b8-cc0b614638fe', 'UseOriginCacheControlHeaders-QueryStrings'],
      AS_THE_ORIGIN_SAYS,
      true,
      { ...ofOrigin, QueryStringsConfig: { QueryStringBehavior: 'all' } },
    ),
  ].map((one) => [one.id, one]),
);
