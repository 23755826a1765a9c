import type { Clock } from './clock.js';
import { AwsError } from './errors.js';
import type { AccessRequest, Decision } from './policy/index.js';
import { requestContext } from './request-context.js';
import type { Authorize, Call } from './service.js';

/** A permission that an operation needs. */
export interface Permission {
  /** `logs:PutLogEvents`. */
  readonly action: string;
  /** ARN, or `*` for actions that have no resource. */
  readonly resource: string;
  /** Condition keys of the service, names in lower case. */
  readonly context?: ReadonlyMap<string, string>;
}

export interface RoleAuthorizationOptions {
  /** The service's prefix in IAM actions: `iot`, `logs`. */
  readonly prefix: string;
  /** Decides by the policies of a role. */
  readonly roles: { decide(roleName: string, request: AccessRequest): Decision };
  readonly clock: Clock;
  /** What an operation needs; an operation it returns nothing for needs `<prefix>:<Operation>` on `*`. */
  readonly permission?: (
    operation: string,
    input: Readonly<Record<string, unknown>>,
    call: Call,
  ) => readonly Permission[] | undefined;
  /** The service's code of denied access; `AccessDeniedException` unless told otherwise. */
  readonly deniedCode?: string;
}

/**
 * Makes the `authorize` of a service whose access is decided by the policies of roles alone: sessions of roles
 * may do what those allow, the account may do everything, and nobody else anything.
 */
export function roleAuthorization(options: RoleAuthorizationOptions): Authorize {
  const { prefix, roles, clock, permission, deniedCode = 'AccessDeniedException' } = options;
  return (operation, input, call) => {
    const { principal } = call;
    if (principal.kind === 'account') return;
    if (principal.kind !== 'role') throw new AwsError(deniedCode, 'Access Denied', 403);
    const needed = permission?.(operation, input, call) ?? [
      { action: `${prefix}:${operation}`, resource: '*' },
    ];
    for (const { action, resource, context } of needed) {
      const all = new Map([...requestContext(call, clock.now()), ...(context ?? [])]);
      const decision = roles.decide(principal.roleName, { action, resource, context: all });
      if (decision === 'allowed') continue;
      const why =
        decision === 'explicitDeny'
          ? 'with an explicit deny in an identity-based policy'
          : `because no identity-based policy allows the ${action} action`;
      throw new AwsError(
        deniedCode,
        `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${why}`,
        403,
      );
    }
  };
}
