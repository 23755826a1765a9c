import type { ConditionContext, RequestPrincipal } from '../../policy/index.js';

/** What other services may know of IAM roles. */
export interface RoleDirectory {
  /** The role of that ARN, or undefined when this account has none. */
  byArn(arn: string): KnownRole | undefined;
  /** The role of that name. */
  byName(roleName: string): KnownRole | undefined;
  /**
   * Whether the role's trust policy lets a service, such as `lambda.amazonaws.com`, assume the role. What the
   * service would say of the call (`aws:SourceAccount`, `aws:SourceArn`) is given as `context`.
   */
  trusts(roleArn: string, servicePrincipal: string, context?: ConditionContext): boolean;
  /**
   * Whether the role's trust policy lets a principal assume the role, given the condition keys of the call; by
   * `sts:AssumeRole` unless another action is told.
   */
  mayAssume(
    roleArn: string,
    caller: { principal: RequestPrincipal; context: ConditionContext; action?: string },
  ): boolean;
}

export interface KnownRole {
  readonly roleName: string;
  /** Unique among all roles that ever were: `AROA…`. */
  readonly roleId: string;
  readonly arn: string;
  /** Seconds that a session of the role may last. */
  readonly maxSessionDuration: number;
}
