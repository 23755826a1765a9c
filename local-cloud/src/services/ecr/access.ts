import type { Clock } from '../../clock.js';
import { AwsError } from '../../errors.js';
import { evaluate, type PolicyDocument, type PolicyKind, parsePolicyDocument } from '../../policy/index.js';
import { requestContext } from '../../request-context.js';
import type { Authorize } from '../../service.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { Registry } from './registry.js';

/** Policies of repositories have no resources, as those that trust others: they are about what they hang on. */
export const REPOSITORY_POLICY: PolicyKind = 'trust';

export type EcrRoles = RoleAuthority & Pick<RoleDirectory, 'byName'>;

/**
 * Who may do what in the registry: the account everything, roles what their policies or the repository's allow and
 * neither denies (ECR user guide, "Repository policies vs IAM policies"), nobody else anything. Operations are
 * named as their actions are; `repositoryName` or `resourceArn` of the input says on what.
 */
export function registryAccess(registry: Registry, roles: EcrRoles, clock: Clock): Authorize {
  const parsed = new Map<string, { text: string; policy: PolicyDocument }>();

  function policiesOf(name: string): PolicyDocument[] {
    const text = registry.repository(name)?.policy;
    if (text === undefined) {
      parsed.delete(name);
      return [];
    }
    let known = parsed.get(name);
    if (known?.text !== text) {
      known = { text, policy: parsePolicyDocument(text, REPOSITORY_POLICY) };
      parsed.set(name, known);
    }
    return [known.policy];
  }

  return (operation, input, call) => {
    const { principal, accountId } = call;
    if (principal.kind === 'account') return;
    const action = `ecr:${operation}`;
    const role =
      principal.kind === 'role'
        ? (roles.byName(principal.roleName)?.arn ?? `arn:aws:iam::${accountId}:role/${principal.roleName}`)
        : undefined;
    for (const resource of resourcesOf(operation, input, registry)) {
      const denied = (why: string) =>
        new AwsError(
          'AccessDeniedException',
          `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${why}`,
          400,
        );
      if (principal.kind !== 'role' || role === undefined) throw denied('because no policy allows it');
      const context = new Map([...requestContext(call, clock.now()), ['aws:principalarn', role]]);
      const arns = [role, principal.arn];
      const request = { action, resource, context, principal: { kind: 'role' as const, accountId, arns } };
      const name = resource.split(':repository/')[1];
      const byRepository = name === undefined ? 'implicitDeny' : evaluate(policiesOf(name), request);
      if (byRepository === 'explicitDeny') throw denied('with an explicit deny in a resource-based policy');
      const byRole = roles.decide(principal.roleName, request);
      if (byRole === 'explicitDeny') throw denied('with an explicit deny in an identity-based policy');
      if (byRole === 'allowed' || byRepository === 'allowed') continue;
      throw denied(`because no identity-based policy allows the ${action} action`);
    }
  };
}

/** ARNs that an operation is about; all of them have to be allowed. */
function resourcesOf(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  registry: Registry,
): string[] {
  const { repositoryName, repositoryNames, resourceArn } = input;
  if (typeof resourceArn === 'string') return [resourceArn];
  if (typeof repositoryName === 'string') return [registry.arnOf(repositoryName)];
  if (Array.isArray(repositoryNames)) return repositoryNames.map((name) => registry.arnOf(String(name)));
  return [operation === 'DescribeRepositories' ? registry.arnOf('*') : '*'];
}
