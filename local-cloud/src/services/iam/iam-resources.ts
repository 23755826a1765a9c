import type { Store } from '../../store/store.js';
import type { ManagedPolicies } from './managed-policies.js';
import type { Roles } from './roles.js';

/** What the resource types of IAM work on. */
export interface IamResources {
  readonly roles: Roles;
  readonly policies: ManagedPolicies;
  readonly store: Store;
}
