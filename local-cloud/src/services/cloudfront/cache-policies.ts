import type * as sdk from '@aws-sdk/client-cloudfront';
import type { Operations } from '../../service.js';
import { noSuch } from './errors.js';
import { type CachePolicy, MANAGED_CACHE_POLICIES } from './managed-cache-policies.js';
import { listed } from './versioned.js';

/** The encodings that a cache policy lets CloudFront compress answers with; undefined when there is no such policy. */
export function encodingsOf(policyId: string): { gzip: boolean; br: boolean } | undefined {
  const parameters = MANAGED_CACHE_POLICIES.get(policyId)?.config.ParametersInCacheKeyAndForwardedToOrigin;
  if (!parameters) return undefined;
  const { EnableAcceptEncodingGzip = false, EnableAcceptEncodingBrotli = false } = parameters;
  return { gzip: EnableAcceptEncodingGzip, br: EnableAcceptEncodingBrotli };
}

/** @throws AwsError `NoSuchCachePolicy`. */
export function assertCachePolicy(policyId: string): void {
  existing(policyId);
}

function existing(id = ''): CachePolicy {
  const policy = MANAGED_CACHE_POLICIES.get(id);
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
    const all = Type === 'custom' ? [] : [...MANAGED_CACHE_POLICIES.values()];
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
