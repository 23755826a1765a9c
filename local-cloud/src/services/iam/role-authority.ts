import type { AccessRequest, Decision } from '../../policy/index.js';

/** Decides what roles may do, by the policies that are attached to them. */
export interface RoleAuthority {
  /** `implicitDeny` too when there is no such role any more. */
  decide(roleName: string, request: AccessRequest): Decision;
}
