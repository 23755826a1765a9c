import type * as sdk from '@aws-sdk/client-cloudfront';
import type { Operations } from '../../service.js';
import { noSuch } from './errors.js';
import { listed } from './versioned.js';

interface CachePolicy {
  readonly id: string;
  readonly config: sdk.CachePolicyConfig & {
    ParametersInCacheKeyAndForwardedToOrigin: sdk.ParametersInCacheKeyAndForwardedToOrigin;
  };
}

/** [name, id, compresses, whether queries are part of the key, least, default and longest time in seconds] */
type Row = readonly [string, string, boolean, boolean, number, number, number];

/**
 * The cache policies that AWS manages (CloudFront developer guide, "Use managed cache policies"). As nothing is cached
 * here, the only thing that they decide is whether answers are compressed.
 */
const ROWS: readonly Row[] = [
  ['Managed-CachingOptimized', '658327ea-f89d-4fab-a63d-7e88639e58f6', true, false, 1, 86_400, 31_536_000],
  [
    ...(['Managed-CachingOptimizedForUncompressedObjects', 'b2884449-e4de-46a7-ac36-70bc7f1ddd6d'] as const),
    ...([false, false, 1, 86_400, 31_536_000] as const),
  ],
  ['Managed-CachingDisabled', '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', false, false, 0, 0, 0],
  ['UseOriginCacheControlHeaders', '83da9c7e-98b4-4e11-a168-04f0df8e2c65', true, false, 0, 0, 31_536_000],
  [
    ...(['UseOriginCacheControlHeaders-QueryStrings', '4cc15a8a-d715-48a4-82b8-cc0b614638fe'] as const),
    ...([true, true, 0, 0, 31_536_000] as const),
  ],
];

const POLICIES: ReadonlyMap<string, CachePolicy> = new Map(
  ROWS.map(([Name, id, compresses, queries, MinTTL, DefaultTTL, MaxTTL]) => [
    id,
    {
      id,
      config: {
        ...{ Name, Comment: '', MinTTL, DefaultTTL, MaxTTL },
        ParametersInCacheKeyAndForwardedToOrigin: {
          EnableAcceptEncodingGzip: compresses,
          EnableAcceptEncodingBrotli: compresses,
          HeadersConfig: { HeaderBehavior: 'none' },
          CookiesConfig: { CookieBehavior: 'none' },
          QueryStringsConfig: { QueryStringBehavior: queries ? 'all' : 'none' },
        },
      },
    },
  ]),
);

/** The origin request policies that AWS manages; what a request has goes to the origin here anyway. */
const ORIGIN_REQUEST_POLICIES: ReadonlySet<string> = new Set([
  '216adef6-5c7f-47e4-b989-5492eafa07d3', // AllViewer
  '33f36d7e-f396-46d9-90e0-52428a34d9dc', // AllViewerAndCloudFrontHeaders-2022-06
  'b689b0a8-53d0-40ab-baf2-68738e2966ac', // AllViewerExceptHostHeader
  '59781a5b-3903-41f3-afcb-af62929ccde1', // CORS-CustomOrigin
  '88a5eaf4-2fd4-4709-b370-b4c650ea3fcf', // CORS-S3Origin
  'acba4595-bd28-49b8-b9fe-13317c0390fa', // UserAgentRefererHeaders
]);

/** The encodings that a cache policy lets CloudFront compress answers with; undefined when there is no such policy. */
export function encodingsOf(policyId: string): { gzip: boolean; br: boolean } | undefined {
  const parameters = POLICIES.get(policyId)?.config.ParametersInCacheKeyAndForwardedToOrigin;
  if (!parameters) return undefined;
  const { EnableAcceptEncodingGzip = false, EnableAcceptEncodingBrotli = false } = parameters;
  return { gzip: EnableAcceptEncodingGzip, br: EnableAcceptEncodingBrotli };
}

/** @throws AwsError `NoSuchOriginRequestPolicy`. */
export function assertOriginRequestPolicy(policyId: string): void {
  if (ORIGIN_REQUEST_POLICIES.has(policyId)) return;
  throw noSuch('OriginRequestPolicy', 'The origin request policy does not exist.');
}

/** @throws AwsError `NoSuchCachePolicy`. */
export function assertCachePolicy(policyId: string): void {
  existing(policyId);
}

function existing(id = ''): CachePolicy {
  const policy = POLICIES.get(id);
  if (policy) return policy;
  throw noSuch('CachePolicy', 'The cache policy does not exist.');
}

const described = ({ id, config }: CachePolicy) => ({
  Id: id,
  LastModifiedTime: new Date(Date.UTC(2020, 6, 22)),
  CachePolicyConfig: config,
});

/** Reading the managed cache policies; others cannot be made. */
export const cachePolicyOperations: Pick<
  Operations<typeof sdk>,
  'ListCachePolicies' | 'GetCachePolicy' | 'GetCachePolicyConfig'
> = {
  ListCachePolicies({ Type, ...page }) {
    const all = Type === 'custom' ? [] : [...POLICIES.values()];
    return {
      CachePolicyList: listed(
        all.sort((a, b) => (a.id < b.id ? -1 : 1)),
        page,
        (policy) => ({ Type: 'managed' as const, CachePolicy: described(policy) }),
      ),
    };
  },
  GetCachePolicy: ({ Id }) => ({ CachePolicy: described(existing(Id)), ETag: 'E23ZP02F085DFQ' }),
  GetCachePolicyConfig: ({ Id }) => ({ CachePolicyConfig: existing(Id).config, ETag: 'E23ZP02F085DFQ' }),
};
