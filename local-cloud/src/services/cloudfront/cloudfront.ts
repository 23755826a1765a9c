import * as sdk from '@aws-sdk/client-cloudfront';
import { type Permission, roleAuthorization } from '../../authorization.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { restXml } from '../../protocol/protocols.js';
import { defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { FunctionUrlRequester } from '../lambda/urls/endpoint.js';
import type { OriginObjects } from '../s3/origin-objects.js';
import { cachePolicyOperations } from './cache-policies.js';
import { type Distribution, distributions, distributionTable } from './distributions.js';
import { invalidations } from './invalidations.js';
import { originAccessControls } from './origin-access-controls.js';
import { origins } from './origins.js';
import { distributionType, originAccessControlType, responseHeadersPolicyType } from './resource-types.js';
import { responseHeadersPolicies } from './response-headers-policies.js';
import { distributionHost, viewer } from './viewer.js';

/** What CloudFront needs besides its base. */
export interface CloudFrontCapabilities {
  /** Address of the local cloud; known when it listens. */
  readonly endpointUrl: Promise<string>;
  readonly roles: RoleAuthority;
  readonly objects: OriginObjects;
  readonly requestUrl: FunctionUrlRequester;
}

/** Amazon CloudFront: distributions of what is in buckets, without a cache. */
export function cloudFront(base: Base, needs: CloudFrontCapabilities): Plugin {
  const table = distributionTable(base);
  const isUsed = (uses: (distribution: Distribution) => boolean) => table.all().some(uses);
  const accessControls = originAccessControls(base, (id) =>
    isUsed(({ config }) =>
      (config.Origins?.Items ?? []).some(({ OriginAccessControlId }) => OriginAccessControlId === id),
    ),
  );
  const policies = responseHeadersPolicies(base, (id) =>
    isUsed(({ config }) =>
      [config.DefaultCacheBehavior, ...(config.CacheBehaviors?.Items ?? [])].some(
        (behavior) => behavior?.ResponseHeadersPolicyId === id,
      ),
    ),
  );
  const domainNameOf = async (id: string) => distributionHost(id, new URL(await needs.endpointUrl).port);
  const known = {
    originTypeOf: (id: string) => accessControls.table.find(id)?.config.OriginAccessControlOriginType,
    hasResponseHeadersPolicy: (id: string) => policies.find(id) !== undefined,
  };
  const all = distributions(base, table, known, domainNameOf);
  const cleared = invalidations(base, table);
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'cloudfront',
    scopes: ['cloudfront'],
    model,
    protocol: restXml(model, 'http://cloudfront.amazonaws.com/doc/2020-05-31/', { wrapsErrors: true }),
    authorize: roleAuthorization({
      prefix: 'cloudfront',
      roles: needs.roles,
      clock: base.clock,
      deniedCode: 'AccessDenied',
      permission: (operation, input) => permissionOf(operation, input, base.accountId),
    }),
    validationError: { code: 'InvalidArgument' },
    operations: {
      ...all.operations,
      ...cleared.operations,
      ...accessControls.operations,
      ...policies.operations,
      ...cachePolicyOperations,
      async DeleteDistribution(input, call) {
        const answer = await all.operations.DeleteDistribution(input, call);
        cleared.forget(input.Id ?? '');
        return answer;
      },
    },
  });
  return {
    services: [service],
    paths: [
      viewer({
        ...{ distributions: all, policies },
        askOrigin: origins({ accessControls, objects: needs.objects, requestUrl: needs.requestUrl }),
      }),
    ],
    resourceTypes: [
      distributionType({ distributions: all, domainNameOf, forget: cleared.forget }),
      originAccessControlType(accessControls),
      responseHeadersPolicyType(policies),
    ],
  };
}

/** Kinds of resources by what operations on them have in their names, the longest first. */
const KINDS = [
  ['ResponseHeadersPolic', 'response-headers-policy'],
  ['OriginAccessControl', 'origin-access-control'],
  ['CachePolic', 'cache-policy'],
  ['Distribution', 'distribution'],
] as const;

/** What an operation needs; those that list, or make, need it for all resources of their kind. */
function permissionOf(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  accountId: string,
): Permission[] {
  const { Id: own, DistributionId: distributionId, Resource: tagged } = input;
  const action = `cloudfront:${operation.replace('WithTags', '')}`;
  if (typeof tagged === 'string') return [{ action, resource: tagged }];
  const isOfDistribution = operation.includes('Invalidation');
  const kind = isOfDistribution ? 'distribution' : KINDS.find(([part]) => operation.includes(part))?.[1];
  if (kind === undefined || operation.startsWith('List')) {
    const resource =
      typeof distributionId === 'string'
        ? `arn:aws:cloudfront::${accountId}:distribution/${distributionId}`
        : '*';
    return [{ action, resource }];
  }
  const id = isOfDistribution ? distributionId : own;
  const resource = `arn:aws:cloudfront::${accountId}:${kind}/${typeof id === 'string' ? id : '*'}`;
  return [{ action, resource }];
}
