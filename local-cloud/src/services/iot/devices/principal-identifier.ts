import type { Principal } from '../../../service.js';

/**
 * What AWS IoT calls the `principalIdentifier` in lifecycle events, and `principal()` in rules: certificates by their
 * id, others by what stands last in their ARN.
 */
export function principalIdentifier(principal: Principal): string {
  if (principal.kind === 'certificate') return principal.certificateId;
  return principal.kind === 'role'
    ? `${principal.roleName}:${principal.sessionName}`
    : (principal.arn.split(':')[4] ?? '');
}
