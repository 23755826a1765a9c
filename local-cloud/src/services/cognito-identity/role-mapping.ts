import type { MappingRule } from '@aws-sdk/client-cognito-identity';
import type { IdTokenFacts } from '../cognito-idp/tokens.js';
import type { IdentityPoolRecord } from './identity-pools.js';

/** A role, none where the pool has none for the caller, or why there is none for this caller. */
export type ChosenRole = { readonly roleArn: string | undefined } | { readonly refused: string };

/**
 * The role of a caller (Amazon Cognito developer guide, "Using role-based access control"): of a guest that of all
 * guests; of a user the one that the token prefers, or the first rule that matches, or that of all users.
 *
 * @param custom the role that the caller asks for: one of those that the token names.
 */
export function chooseRole(
  { roles, roleMappings }: IdentityPoolRecord,
  login: { readonly provider: string; readonly facts: IdTokenFacts } | undefined,
  custom: string | undefined,
): ChosenRole {
  if (!login) return { roleArn: roles.unauthenticated };
  const { provider, facts } = login;
  const mapping = roleMappings[`${provider}:${facts.clientId}`];
  if (!mapping) {
    return custom === undefined
      ? { roleArn: roles.authenticated }
      : { refused: 'Invalid CustomRoleArn: the identity pool maps no roles for this provider.' };
  }
  const otherwise: ChosenRole =
    mapping.AmbiguousRoleResolution === 'Deny'
      ? { refused: 'Access to Identity is forbidden: no role is mapped to it.' }
      : { roleArn: roles.authenticated };
  if (mapping.Type === 'Rules') {
    const rule = mapping.RulesConfiguration?.Rules?.find((one) => applies(one, facts.claims));
    return rule ? { roleArn: rule.RoleARN } : otherwise;
  }
  if (custom !== undefined) {
    return facts.roles.includes(custom)
      ? { roleArn: custom }
      : { refused: 'Invalid CustomRoleArn: the token does not name this role.' };
  }
  if (facts.preferredRole !== undefined) return { roleArn: facts.preferredRole };
  const [only, another] = facts.roles;
  return only !== undefined && another === undefined ? { roleArn: only } : otherwise;
}

function applies(
  { Claim = '', MatchType, Value = '' }: MappingRule,
  claims: Readonly<Record<string, unknown>>,
): boolean {
  const claim = Object.hasOwn(claims, Claim) ? claims[Claim] : undefined;
  if (claim === undefined) return MatchType === 'NotEqual';
  const values = (Array.isArray(claim) ? claim : [claim]).map(String);
  switch (MatchType) {
    case 'Equals':
      return values.includes(Value);
    case 'NotEqual':
      return !values.includes(Value);
    case 'Contains':
      return values.some((value) => value.includes(Value));
    case 'StartsWith':
      return values.some((value) => value.startsWith(Value));
    default:
      return false;
  }
}
