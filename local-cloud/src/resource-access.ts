import { AwsError } from './errors.js';
import type { Base } from './plugin.js';
import {
  type AccessRequest,
  type Decision,
  evaluate,
  type PolicyDocument,
  parsePolicyDocument,
  type RequestPrincipal,
} from './policy/index.js';
import { requestContext } from './request-context.js';
import type { Call } from './service.js';

/** A service that acts for one of its resources, such as a topic that sends to a queue. */
export interface ServiceCaller {
  /** Service principal: `sns.amazonaws.com`. */
  readonly service: string;
  /** ARN of the resource. */
  readonly sourceArn: string;
}

/** What access to resources that have policies of their own asks of IAM. */
export interface ResourceAccessRoles {
  decide(roleName: string, request: AccessRequest): Decision;
  byName(roleName: string): { readonly arn: string } | undefined;
}

/** What is asked for, and the policy of the resource that it is asked of. */
export interface ResourceRequest {
  /** `sqs:SendMessage`. */
  readonly action: string;
  /** ARN, or `*` for actions that have no resource. */
  readonly resource: string;
  /** The resource's policy as JSON text; undefined when it has none. */
  readonly policy: string | undefined;
  /** Condition keys of the service, names in lower case. */
  readonly context?: ReadonlyMap<string, string>;
}

/**
 * Access to resources that have policies of their own (IAM user guide, "Policy evaluation logic"): the account may
 * do everything that no policy of a resource denies, roles what their policies or the resource's allow and neither
 * denies, services what the resource's policy allows them.
 */
export interface ResourceAccess {
  /** Why a caller may not do this; undefined when it may. */
  refusal(call: Call, request: ResourceRequest): string | undefined;
  /** Why a service may not do this; undefined when it may. */
  serviceRefusal(caller: ServiceCaller, request: ResourceRequest): string | undefined;
}

/** Most parsed policies that are remembered. */
const REMEMBERED = 500;

export function resourceAccess({ accountId, clock }: Base, roles: ResourceAccessRoles): ResourceAccess {
  const parsed = new Map<string, PolicyDocument>();

  function documents(text: string | undefined): PolicyDocument[] {
    if (text === undefined) return [];
    let document = parsed.get(text);
    if (!document) {
      document = parsePolicyDocument(text, 'resource');
      if (parsed.size >= REMEMBERED) parsed.clear();
      parsed.set(text, document);
    }
    return [document];
  }

  function principalOf({ principal }: Call): RequestPrincipal {
    if (principal.kind === 'account') return { kind: 'account', accountId };
    if (principal.kind !== 'role') return { kind: 'anonymous' };
    const role = roles.byName(principal.roleName)?.arn;
    return { kind: 'role', accountId, arns: role === undefined ? [] : [role, principal.arn] };
  }

  return {
    refusal(call, { action, resource, policy, context: ofService = new Map() }) {
      const { principal } = call;
      const who = `User: ${principal.arn || 'anonymous'} is not authorized to perform: ${action} on resource: ${resource}`;
      const context = new Map([...requestContext(call, clock.now()), ...ofService]);
      if (principal.kind === 'role') {
        const role = roles.byName(principal.roleName)?.arn;
        if (role !== undefined) context.set('aws:principalarn', role);
      }
      const request = { action, resource, context, principal: principalOf(call) };
      const byResource = evaluate(documents(policy), request);
      if (byResource === 'explicitDeny') return `${who} with an explicit deny in a resource-based policy`;
      if (principal.kind === 'account') return undefined;
      if (principal.kind === 'role') {
        const byRole = roles.decide(principal.roleName, request);
        if (byRole === 'explicitDeny') return `${who} with an explicit deny in an identity-based policy`;
        if (byRole === 'allowed') return undefined;
      }
      if (byResource === 'allowed') return undefined;
      return `${who} because no identity-based policy allows the ${action} action`;
    },
    serviceRefusal({ service, sourceArn }, { action, resource, policy, context: ofService = new Map() }) {
      const context = new Map([
        ...ofService,
        ['aws:sourcearn', sourceArn],
        ['aws:sourceaccount', accountId],
        ['aws:principalisawsservice', 'true'],
        ['aws:principalservicename', service],
        ['aws:securetransport', 'true'],
        ['aws:currenttime', new Date(clock.now()).toISOString()],
      ]);
      // A statement for everybody (`"*"`) is for services too; its conditions say for which.
      const decisions = [{ kind: 'service', name: service } as const, { kind: 'anonymous' } as const].map(
        (principal) => evaluate(documents(policy), { action, resource, context, principal }),
      );
      if (decisions.includes('allowed') && !decisions.includes('explicitDeny')) return undefined;
      return `${service} is not authorized to perform: ${action} on resource: ${resource} for ${sourceArn}: the resource's policy has no statement that permits it`;
    },
  };
}

/** Makes the error of denied access that a service has, unless there is no reason. */
export function assertAllowed(reason: string | undefined, code: string): void {
  if (reason !== undefined) throw new AwsError(code, reason, 403);
}
