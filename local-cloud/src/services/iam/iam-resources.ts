import type { Store } from '../../store/store.js';
import type { ManagedPolicies } from './managed-policies.js';
import type { OidcProviders } from './oidc-providers.js';
import type { Roles } from './roles.js';

/** What the resource types of IAM work on. */
export interface IamResources {
  readonly roles: Roles;
  readonly policies: ManagedPolicies;
  readonly oidcProviders: OidcProviders;
  readonly store: Store;
}
