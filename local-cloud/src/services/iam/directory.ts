/** What other services may know of IAM roles. */
export interface RoleDirectory {
  /** The role of that ARN, or undefined when this account has none. */
  byArn(arn: string): KnownRole | undefined;
  /** Whether the role's trust policy lets a service, such as `lambda.amazonaws.com`, assume the role. */
  trusts(roleArn: string, servicePrincipal: string): boolean;
}

export interface KnownRole {
  readonly roleName: string;
  readonly arn: string;
  /** Seconds that a session of the role may last. */
  readonly maxSessionDuration: number;
}
