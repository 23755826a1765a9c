import {
  type AccessRequest,
  type Decision,
  evaluate,
  type PolicyDocument,
  parsePolicyDocument,
} from '../../policy/index.js';
import type { KnownRole, RoleDirectory } from './directory.js';
import type { ManagedPolicies } from './managed-policies.js';
import type { RoleAuthority } from './role-authority.js';
import type { Roles } from './roles.js';
import type { Role } from './tables.js';

/** Most parsed documents that are remembered. */
const REMEMBERED = 500;

/** Answers what roles may do and who may assume them, from the policies as they are now. */
export function authority(
  roles: Roles,
  policies: ManagedPolicies,
  accountId: string,
): RoleAuthority & RoleDirectory {
  const parsed = new Map<string, PolicyDocument>();
  const parse = (text: string, kind: 'identity' | 'trust') => {
    const name = `${kind} ${text}`;
    let document = parsed.get(name);
    if (!document) {
      document = parsePolicyDocument(text, kind);
      if (parsed.size >= REMEMBERED) parsed.clear();
      parsed.set(name, document);
    }
    return document;
  };

  function byArn(arn: string): Role | undefined {
    const roleName = /^arn:aws:iam::\d{12}:role\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];
    const role = roleName === undefined ? undefined : roles.find(roleName);
    return role?.arn === arn ? role : undefined;
  }

  const mayAssume: RoleDirectory['mayAssume'] = (
    roleArn,
    { principal, context, action = 'sts:AssumeRole' },
  ) => {
    const role = byArn(roleArn);
    if (!role) return false;
    const request: AccessRequest = { action, resource: roleArn, context, principal };
    return evaluate([parse(role.trustPolicy, 'trust')], request) === 'allowed';
  };

  return {
    decide(roleName, request): Decision {
      const role = roles.find(roleName);
      if (!role) return 'implicitDeny';
      const own = { ...request, context: new Map([...request.context, ['aws:principalarn', role.arn]]) };
      const attached = role.attachedPolicies.flatMap((arn) => policies.document(arn) ?? []);
      const documents = [...attached, ...Object.values(role.inlinePolicies)].map((text) =>
        parse(text, 'identity'),
      );
      const decision = evaluate(documents, own);
      if (decision !== 'allowed' || role.permissionsBoundary === undefined) return decision;
      const boundary = policies.document(role.permissionsBoundary);
      return boundary === undefined ? 'implicitDeny' : evaluate([parse(boundary, 'identity')], own);
    },
    byArn: (arn) => known(byArn(arn)),
    byName: (roleName) => known(roles.find(roleName)),
    trusts(roleArn, name, context = new Map()) {
      // Services here act for this account alone.
      const ofService = new Map([
        ...context,
        ['aws:sourceaccount', accountId] as const,
        ['aws:principalisawsservice', 'true'] as const,
      ]);
      return mayAssume(roleArn, { principal: { kind: 'service', name }, context: ofService });
    },
    mayAssume,
  };
}

function known(role: Role | undefined): KnownRole | undefined {
  if (!role) return undefined;
  const { roleName, roleId, arn, maxSessionDuration } = role;
  return { roleName, roleId, arn, maxSessionDuration };
}
