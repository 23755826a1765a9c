import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts';
import { patternViolation, violation } from '../../constraints.js';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { RequestPrincipal } from '../../policy/index.js';
import { requestContext } from '../../request-context.js';
import type { Call, Principal } from '../../service.js';
import type { KnownRole, RoleDirectory } from '../iam/directory.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { CredentialsIssuer } from './issuer.js';

/** Seconds that a session may last when one role was assumed by another (IAM user guide, "Role chaining"). */
const CHAINED_LIMIT = 3600;

const UNBUILT = ['Policy', 'PolicyArns', 'Tags', 'SerialNumber', 'SourceIdentity', 'ProvidedContexts'];

/** AssumeRole: credentials of a role for those whom its trust policy names. */
export function assumeRole(
  { accountId, clock }: Base,
  { roles, issuer }: { roles: RoleDirectory & RoleAuthority; issuer: CredentialsIssuer },
) {
  function mayAssume(role: KnownRole, input: AssumeRoleCommandInput, call: Call): boolean {
    const { principal } = call;
    const context = new Map(requestContext(call, clock.now()));
    context.set('sts:rolesessionname', input.RoleSessionName ?? '');
    if (input.ExternalId !== undefined) context.set('sts:externalid', input.ExternalId);
    const account: RequestPrincipal = { kind: 'account', accountId };
    if (principal.kind === 'account') return roles.mayAssume(role.arn, { principal: account, context });
    if (principal.kind !== 'role') return false;
    const request = { action: 'sts:AssumeRole', resource: role.arn, context };
    const byOwnPolicies = roles.decide(principal.roleName, request);
    if (byOwnPolicies === 'explicitDeny') return false;
    const arns = [roles.byName(principal.roleName)?.arn ?? '', principal.arn];
    context.set('aws:principalarn', arns[0] ?? '');
    if (roles.mayAssume(role.arn, { principal: { kind: 'role', accountId, arns }, context })) return true;
    // A trust policy that names the account leaves the decision to the caller's own policies.
    return byOwnPolicies === 'allowed' && roles.mayAssume(role.arn, { principal: account, context });
  }

  return (input: AssumeRoleCommandInput, call: Call) => {
    const {
      RoleArn: roleArn = '',
      RoleSessionName: sessionName = '',
      DurationSeconds: duration = 3600,
    } = input;
    refuseMembers('AssumeRole', input, UNBUILT);
    checkNames(roleArn, sessionName);
    const role = roles.byArn(roleArn);
    if (!role || !mayAssume(role, input, call)) {
      throw new AwsError(
        'AccessDenied',
        `User: ${call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
        403,
      );
    }
    checkDuration(duration, role, call.principal);
    const issued = issuer.issue(role.roleName, sessionName, duration);
    return {
      Credentials: {
        AccessKeyId: issued.accessKeyId,
        SecretAccessKey: issued.secretAccessKey,
        SessionToken: issued.sessionToken,
        Expiration: issued.expiration,
      },
      AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${sessionName}`, Arn: issued.assumedRoleArn },
    };
  };
}

/** @throws AwsError `ValidationError`. */
export function checkNames(roleArn: string, sessionName: string): void {
  if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) {
    throw invalid(patternViolation(sessionName, 'roleSessionName', '[\\w+=,.@-]*'));
  }
  if (!/^arn:aws:iam::\d{12}:role\/.+$/.test(roleArn)) throw invalid(`${roleArn} is invalid`);
}

/** @throws AwsError `ValidationError`. */
export function checkDuration(duration: number, role: KnownRole, principal?: Principal): void {
  if (!Number.isInteger(duration) || duration < 900 || duration > 43_200) {
    throw invalid(violation(duration, 'durationSeconds', 'Member must have value between 900 and 43200'));
  }
  if (duration > role.maxSessionDuration) {
    throw invalid('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
  }
  if (principal?.kind === 'role' && duration > CHAINED_LIMIT) {
    throw invalid(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
}

/** What would narrow or mark the session must not be passed over in silence. */
export function refuseMembers(operation: string, input: object, members: readonly string[]): void {
  const given = members.find((member) => Reflect.get(input, member) !== undefined);
  if (given === undefined) return;
  throw new AwsError(
    'NotImplementedException',
    `The parameter ${given} of ${operation} is not built in the local cloud`,
    501,
  );
}

export function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
