import { meets } from './conditions.js';
import type { NegatablePatterns, PolicyDocument, PrincipalElement, Statement } from './document.js';
import { type ConditionContext, matchesArn, matchesPattern } from './pattern.js';

/** What somebody wants to do. */
export interface AccessRequest {
  /** `s3:GetObject`. */
  readonly action: string;
  /** ARN, or `*` for actions that have no resource. */
  readonly resource: string;
  readonly context: ConditionContext;
  /** Who asks; only policies with principals (of resources, and trust policies) need it. */
  readonly principal?: RequestPrincipal;
}

/** Who asks, as principals of policies name them. */
export type RequestPrincipal =
  | { readonly kind: 'anonymous' }
  /** The account itself. */
  | { readonly kind: 'account'; readonly accountId: string }
  /** A session of a role: the role's ARN and the session's. */
  | { readonly kind: 'role'; readonly accountId: string; readonly arns: readonly string[] }
  | { readonly kind: 'service'; readonly name: string }
  /** Somebody for whom an identity provider vouches: the provider's ARN. */
  | { readonly kind: 'federated'; readonly provider: string };

/** `implicitDeny`: no statement says anything. */
export type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

/** Decides by policies: a statement that denies wins over all that allow; without any, access is denied. */
export function evaluate(policies: readonly PolicyDocument[], request: AccessRequest): Decision {
  let decision: Decision = 'implicitDeny';
  for (const policy of policies) {
    for (const statement of policy.statements) {
      if (!applies(statement, request)) continue;
      if (statement.effect === 'Deny') return 'explicitDeny';
      decision = 'allowed';
    }
  }
  return decision;
}

function applies(statement: Statement, request: AccessRequest): boolean {
  const { principals, actions, resources, conditions, effect } = statement;
  const { action, resource, context } = request;
  return (
    matchesAny(actions, (pattern) => matchesPattern(pattern.toLowerCase(), action.toLowerCase())) &&
    (!resources || matchesAny(resources, (pattern) => matchesResource(pattern, resource, context))) &&
    (!principals || (request.principal !== undefined && names(principals, request.principal, effect))) &&
    conditions.every((condition) => meets(condition, context))
  );
}

function matchesResource(pattern: string, resource: string, context: ConditionContext): boolean {
  return pattern === resource || matchesArn(pattern, resource, context);
}

function matchesAny(
  { negated, patterns }: NegatablePatterns,
  matches: (pattern: string) => boolean,
): boolean {
  return patterns.some(matches) !== negated;
}

function names(element: PrincipalElement, principal: RequestPrincipal, effect: Statement['effect']): boolean {
  const named = element.entries.some(({ type, value }) => {
    if (principal.kind === 'service') return type === 'Service' && value === principal.name;
    if (principal.kind === 'federated') return type === 'Federated' && value === principal.provider;
    if (type !== 'AWS') return false;
    if (value === '*') return true;
    if (principal.kind === 'anonymous') return false;
    const isAccount = value === principal.accountId || value === `arn:aws:iam::${principal.accountId}:root`;
    if (principal.kind === 'account') return isAccount;
    // An account as principal lets that account's administrators decide; it is no permission for a role by itself.
    return principal.arns.includes(value) || (isAccount && (effect === 'Deny' || element.negated));
  });
  return named !== element.negated;
}
