import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import {
  evaluate,
  type PolicyDocument,
  parsePolicyDocument,
  type RequestPrincipal,
} from '../../policy/index.js';
import { requestContext } from '../../request-context.js';
import type { Call } from '../../service.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { permissionOf } from './actions.js';
import { bucketArn } from './arns.js';
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

/** What S3 asks of IAM. */
export type S3Roles = RoleAuthority & Pick<RoleDirectory, 'byName'>;

/** The account's administrator must be able to undo a policy that shuts everybody out. */
const POLICY_ACTIONS = new Set(['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy']);

export function s3Access({ accountId, clock }: Base, buckets: BucketStore, roles: S3Roles): S3Access {
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
  function refusal(
    call: Call,
    action: string,
    bucket: Bucket | undefined,
    resource: string,
  ): string | undefined {
    const { principal } = call;
    const asked = requestPrincipal(call);
    const context = s3Context(call, clock.now());
    if (asked.kind === 'role') context.set('aws:principalarn', asked.arns[0] ?? '');
    const request = { action, resource, context, principal: asked };
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

  function check(call: Call, action: string, bucket: Bucket | undefined, resource: string): void {
    const reason = refusal(call, action, bucket, resource);
    if (reason !== undefined) throw new AwsError('AccessDenied', reason, 403);
  }

  function requestPrincipal({ principal }: Call): RequestPrincipal {
    switch (principal.kind) {
      case 'account':
        return { kind: 'account', accountId };
      case 'role': {
        const role = roles.byName(principal.roleName)?.arn;
        return { kind: 'role', accountId, arns: role === undefined ? [] : [role, principal.arn] };
      }
      default:
        return { kind: 'anonymous' };
    }
  }

  return {
    authorize(operation, input, call) {
      const name = typeof input.Bucket === 'string' ? input.Bucket : undefined;
      const bucket = name === undefined ? undefined : buckets.find(name);
      const { action, on } = permissionOf(operation, input.VersionId !== undefined);
      if (on === 'service') return check(call, action, undefined, '*');
      if (operation === 'CreateBucket' && name !== undefined)
        return check(call, action, bucket, bucketArn(name));
      // A bucket that does not exist is no secret: the operation says so.
      if (!bucket) return;
      if (input.ExpectedBucketOwner !== undefined && input.ExpectedBucketOwner !== accountId) {
        throw new AwsError('AccessDenied', 'Access Denied', 403);
      }
      // The objects are named in the body; each is checked on its own.
      if (operation === 'DeleteObjects' && call.principal.kind !== 'anonymous') return;
      const key = on === 'object' && typeof input.Key === 'string' ? input.Key : undefined;
      check(call, action, bucket, bucketArn(bucket.name, key));
    },
    require: (call, action, bucket, key) => check(call, action, bucket, bucketArn(bucket.name, key)),
    requireListing: (call, bucket) => check(call, 's3:ListBucket', bucket, bucketArn(bucket.name)),
    refusalToDelete(call, bucket, key, versionId) {
      const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
      return refusal(call, action, bucket, bucketArn(bucket.name, key));
    },
  };
}

/** Condition keys of the request, the global ones and S3's own (service authorization reference, Amazon S3). */
function s3Context(call: Call, now: number): Map<string, string | readonly string[]> {
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
