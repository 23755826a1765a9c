import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import {
  type ConditionContext,
  evaluate,
  type PolicyDocument,
  parsePolicyDocument,
  type RequestPrincipal,
} from '../../policy/index.js';
import { requestContext } from '../../request-context.js';
import type { Call } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { permissionOf } from './actions.js';
import type { Bucket, BucketStore } from './bucket-store.js';

/**
 * Who may do what in S3 (S3 user guide, "How Amazon S3 authorizes a request"): the account everything that no
 * bucket policy denies, roles what their policies or the bucket's allow, anybody what the bucket policy allows
 * to everybody unless public access is blocked.
 */
export interface S3Access {
  /** Checks an operation before it runs. @throws AwsError `AccessDenied`. */
  authorize(operation: string, input: Readonly<Record<string, unknown>>, call: Call): void;
  /** @throws AwsError `AccessDenied` when the caller may not do this to the bucket, or the object in it. */
  require(call: Call, action: string, bucket: Bucket, key?: string): void;
  /** That a key does not exist is told only to those who may list the bucket. @throws AwsError `AccessDenied`. */
  requireListing(call: Call, bucket: Bucket): void;
  /** Why the caller may not delete an object; undefined when it may. */
  refusalToDelete(call: Call, bucket: Bucket, key: string, versionId: string | undefined): string | undefined;
}

/** The account's administrator must be able to undo a policy that shuts everybody out. */
const POLICY_ACTIONS = new Set(['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy']);

export function s3Access({ accountId, clock }: Base, buckets: BucketStore, roles: RoleAuthority): S3Access {
  const parsed = new Map<string, { text: string; policy: PolicyDocument }>();

  function policyOf(bucket: Bucket): PolicyDocument[] {
    if (bucket.policy === undefined) return [];
    let known = parsed.get(bucket.name);
    if (known?.text !== bucket.policy) {
      known = { text: bucket.policy, policy: parsePolicyDocument(bucket.policy, 'resource') };
      parsed.set(bucket.name, known);
    }
    return [known.policy];
  }

  /** Undefined when access is given, else why not. */
  function refusal(call: Call, action: string, bucket: Bucket | undefined, key?: string): string | undefined {
    const { principal } = call;
    const resource = arnOf(bucket?.name, key);
    const context = s3Context(call, clock.now());
    const request = { action, resource, context, principal: requestPrincipal(call, accountId) };
    const byBucket = bucket ? evaluate(policyOf(bucket), request) : 'implicitDeny';
    const who = `User: ${principal.arn} is not authorized to perform: ${action} on resource: "${resource}"`;
    if (byBucket === 'explicitDeny' && !(principal.kind === 'account' && POLICY_ACTIONS.has(action))) {
      if (principal.kind === 'anonymous') return 'Access Denied';
      return `${who} with an explicit deny in a resource-based policy`;
    }
    switch (principal.kind) {
      case 'account':
        return undefined;
      case 'role': {
        const byRole = roles.decide(principal.roleName, request);
        if (byRole === 'explicitDeny') return `${who} with an explicit deny in an identity-based policy`;
        if (byRole === 'allowed' || byBucket === 'allowed') return undefined;
        return `${who} because no identity-based policy allows the ${action} action`;
      }
      default: {
        const isOpen = !bucket?.publicAccessBlock?.RestrictPublicBuckets;
        return byBucket === 'allowed' && isOpen ? undefined : 'Access Denied';
      }
    }
  }

  function require(call: Call, action: string, bucket: Bucket | undefined, key?: string): void {
    const reason = refusal(call, action, bucket, key);
    if (reason !== undefined) throw new AwsError('AccessDenied', reason, 403);
  }

  return {
    authorize(operation, input, call) {
      const name = typeof input.Bucket === 'string' ? input.Bucket : undefined;
      const bucket = name === undefined ? undefined : buckets.find(name);
      const { action, on } = permissionOf(operation, input.VersionId !== undefined);
      if (on === 'service' || operation === 'CreateBucket') return require(call, action, bucket);
      // A bucket that does not exist is no secret: the operation says so.
      if (!bucket) return;
      if (input.ExpectedBucketOwner !== undefined && input.ExpectedBucketOwner !== accountId) {
        throw new AwsError('AccessDenied', 'Access Denied', 403);
      }
      // The objects are named in the body; each is checked on its own.
      if (operation === 'DeleteObjects' && call.principal.kind !== 'anonymous') return;
      require(call, action, bucket, on === 'object' && typeof input.Key === 'string' ? input.Key : undefined);
    },
    require,
    requireListing: (call, bucket) => require(call, 's3:ListBucket', bucket),
    refusalToDelete: (call, bucket, key, versionId) =>
      refusal(call, versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', bucket, key),
  };
}

function arnOf(bucket: string | undefined, key: string | undefined): string {
  if (bucket === undefined) return '*';
  return `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
}

function requestPrincipal({ principal }: Call, accountId: string): RequestPrincipal {
  switch (principal.kind) {
    case 'account':
      return { kind: 'account', accountId };
    case 'role': {
      const roleArn = `arn:aws:iam::${accountId}:role/${principal.roleName}`;
      return { kind: 'role', accountId, arns: [roleArn, principal.arn] };
    }
    default:
      return { kind: 'anonymous' };
  }
}

/** Condition keys of the request, the global ones and S3's own (service authorization reference, Amazon S3). */
function s3Context(call: Call, now: number): ConditionContext {
  const { query, headers } = call.request;
  const context = new Map(requestContext(call, now));
  for (const parameter of ['prefix', 'delimiter', 'max-keys', 'versionId']) {
    const value = query.get(parameter);
    if (value !== null) context.set(`s3:${parameter.toLowerCase()}`, value);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-amz-')) context.set(`s3:${name}`, value);
  }
  return context;
}
