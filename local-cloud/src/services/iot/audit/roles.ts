import type { ConditionContext, Decision } from '../../../policy/index.js';
import type { IotArns } from '../arns.js';
import { checked, invalid } from '../errors.js';

/** What audits ask of IAM. */
export interface AuditRoles {
  byArn(arn: string): { readonly roleName: string } | undefined;
  trusts(roleArn: string, servicePrincipal: string, context?: ConditionContext): boolean;
  decide(
    roleName: string,
    request: { action: string; resource: string; context: ConditionContext },
  ): Decision;
}

const SERVICE = 'iot.amazonaws.com';
const ROLE_ARN = /^arn:[^:]+:iam::\d{12}:role\/.+$/;

/**
 * What the actions that audits need are about (service authorization reference, "Actions defined by AWS IoT"); the
 * others of AWS IoT are about no resource.
 */
const RESOURCE_TYPES: ReadonlyMap<string, string> = new Map([
  ['iot:DescribeCACertificate', 'cacert'],
  ['iot:DescribeCertificate', 'cert'],
  ['iot:DescribeRoleAlias', 'rolealias'],
  ['iot:GetPolicy', 'policy'],
]);

/** Roles that AWS IoT assumes to audit, to notify and to mitigate. */
export class ServiceRoles {
  constructor(
    private readonly roles: AuditRoles | undefined,
    private readonly arns: IotArns,
  ) {}

  /** @throws InvalidRequestException unless there is such a role and AWS IoT may assume it. */
  check(arn: string | undefined, member: string): string {
    const roleArn = checked(arn, member, ROLE_ARN, 2048);
    if (!this.roles?.byArn(roleArn)) throw invalid(`The role ${roleArn} does not exist.`);
    if (this.roles.trusts(roleArn, SERVICE)) return roleArn;
    throw invalid(`The role ${roleArn} cannot be assumed by AWS IoT: it does not trust ${SERVICE}.`);
  }

  /**
   * The first of the actions that the role does not allow on a resource, or on any that it is about when none is
   * named; the role itself when AWS IoT cannot assume it any more. Undefined when all is allowed.
   */
  missing(roleArn: string, actions: readonly string[], resource?: string): string | undefined {
    const role = this.roles?.byArn(roleArn);
    if (!this.roles || !role) return `the role ${roleArn} does not exist`;
    if (!this.roles.trusts(roleArn, SERVICE)) return `the role ${roleArn} does not trust ${SERVICE}`;
    const { roles } = this;
    const about = (action: string) => resource ?? this.#anyOf(action);
    const denied = actions.find(
      (action) =>
        roles.decide(role.roleName, { action, resource: about(action), context: new Map() }) !== 'allowed',
    );
    return denied && `the role ${roleArn} does not allow ${denied} on ${about(denied)}`;
  }

  /** Every resource of the kind that an action is about. */
  #anyOf(action: string): string {
    const type = RESOURCE_TYPES.get(action);
    return type === undefined ? '*' : this.arns.of(`${type}/*`);
  }
}
