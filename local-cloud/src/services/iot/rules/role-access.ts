import { AwsError } from '../../../errors.js';
import { invalid } from '../errors.js';
import type { RuleTargets } from './targets.js';

const SERVICE = 'iot.amazonaws.com';

/** The roles that actions name, as AWS IoT assumes them for one rule. */
export interface RoleAccess {
  /**
   * Asked when a rule is made or replaced, also of rules that are disabled.
   *
   * @throws InvalidRequestException when AWS IoT cannot assume the role.
   */
  check(roleArn: string): void;
  /**
   * Asked each time that an action runs.
   *
   * @throws AwsError `AccessDenied` when the role cannot be assumed any more, or may not do this.
   */
  require(roleArn: string, action: string, resource: string): void;
}

export function roleAccess(roles: RuleTargets['roles'], ruleArn: string, accountId: string): RoleAccess {
  const context = new Map([['aws:sourcearn', ruleArn]]);

  function assumed(roleArn: string) {
    const role = roles?.byArn(roleArn);
    return role && roles?.trusts(roleArn, SERVICE, context) ? role : undefined;
  }

  return {
    check(roleArn) {
      if (assumed(roleArn)) return;
      throw invalid(
        `AWS IoT (${SERVICE}) is unable to assume role (sts:AssumeRole) on resource: ${roleArn}. If the role was just created or updated, please try again in a few seconds.`,
      );
    },
    require(roleArn, action, resource) {
      const role = assumed(roleArn);
      if (!role) {
        throw new AwsError(
          'AccessDenied',
          `AWS IoT (${SERVICE}) is unable to assume role (sts:AssumeRole) on resource: ${roleArn}`,
          403,
        );
      }
      const decision = roles?.decide(role.roleName, { action, resource, context: new Map() });
      if (decision === 'allowed') return;
      const why =
        decision === 'explicitDeny'
          ? 'with an explicit deny in an identity-based policy'
          : `because no identity-based policy allows the ${action} action`;
      throw new AwsError(
        'AccessDenied',
        `User: arn:aws:sts::${accountId}:assumed-role/${role.roleName}/iot-rule is not authorized to perform: ${action} on resource: ${resource} ${why}`,
        403,
      );
    },
  };
}
