import * as sdk from '@aws-sdk/client-iam';
import { type Permission, roleAuthorization } from '../../authorization.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsQuery } from '../../protocol/protocols.js';
import { defineService } from '../../service.js';
import { authority } from './authority.js';
import type { RoleDirectory } from './directory.js';
import { managedPolicies } from './managed-policies.js';
import { managedPolicyOperations } from './managed-policy-operations.js';
import { oidcProviderOperations } from './oidc-provider-operations.js';
import {
  type OidcProviders,
  oidcProviderArn,
  oidcProviders as providerCollection,
} from './oidc-providers.js';
import { iamResourceTypes } from './resource-types.js';
import type { RoleAuthority } from './role-authority.js';
import { roleOperations } from './role-operations.js';
import { rolePolicyOperations } from './role-policy-operations.js';
import { roles as roleCollection } from './roles.js';
import { iamTables } from './tables.js';

/** AWS Identity and Access Management: roles, policies and OpenID Connect providers, and what other services ask of them. */
export function iam(base: Base): Plugin & {
  readonly roles: RoleDirectory & RoleAuthority;
  readonly oidcProviders: Pick<OidcProviders, 'byUrl'>;
} {
  const { accountId, clock, store } = base;
  const now = () => clock.now();
  const tables = iamTables(store);
  const policies = managedPolicies(tables, accountId, now);
  const roles = roleCollection(tables, policies, { accountId, now });
  const oidcProviders = providerCollection(tables, { accountId, now });
  const answers = authority(roles, policies, accountId);
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'iam',
    scopes: ['iam'],
    model,
    protocol: awsQuery(model, 'https://iam.amazonaws.com/doc/2010-05-08/'),
    authorize: roleAuthorization({
      prefix: 'iam',
      roles: answers,
      clock,
      deniedCode: 'AccessDenied',
      permission: (operation, input) =>
        permission(operation, input, accountId, (name) => roles.find(name)?.arn),
    }),
    validationError: { code: 'ValidationError' },
    operations: {
      ...roleOperations(roles),
      ...rolePolicyOperations(roles),
      ...managedPolicyOperations(policies),
      ...oidcProviderOperations(oidcProviders),
    },
  });
  return {
    services: [service],
    resourceTypes: iamResourceTypes({ roles, policies, oidcProviders, store }),
    roles: answers,
    oidcProviders,
  };
}

/** Operations on a role, a managed policy or a provider need permission for its ARN. */
function permission(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  accountId: string,
  arnOfRole: (roleName: string) => string | undefined,
): Permission[] {
  const { RoleName: roleName, PolicyArn: policyArn, OpenIDConnectProviderArn: providerArn, Url: url } = input;
  const action = `iam:${operation}`;
  if (typeof roleName === 'string') {
    return [{ action, resource: arnOfRole(roleName) ?? `arn:aws:iam::${accountId}:role/${roleName}` }];
  }
  if (typeof policyArn === 'string') return [{ action, resource: policyArn }];
  if (typeof providerArn === 'string') return [{ action, resource: providerArn }];
  if (typeof url === 'string') return [{ action, resource: oidcProviderArn(accountId, url) }];
  return [{ action, resource: '*' }];
}
