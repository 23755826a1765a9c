/** A statement of an IAM or AWS IoT policy, as far as this program writes them. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?:
    | '*'
    | { readonly Service: string }
    | { readonly AWS: string }
    | { readonly Federated: string };
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy document of IAM or AWS IoT. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

export function policyDocument(...statements: readonly Statement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

/**
 * The trust policy of a role that `service` assumes on behalf of this account, and if they are named, of these
 * resources of it alone (the confused deputy problem, IAM User Guide).
 */
export function trustPolicy(
  service: string,
  account: string,
  ...sourceArns: readonly string[]
): PolicyDocument {
  return policyDocument({
    Effect: 'Allow',
    Principal: { Service: service },
    Action: ['sts:AssumeRole'],
    Condition: {
      StringEquals: { 'aws:SourceAccount': account },
      ...(sourceArns.length > 0 && { ArnLike: { 'aws:SourceArn': sourceArns } }),
    },
  });
}
