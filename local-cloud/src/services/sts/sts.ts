import * as sdk from '@aws-sdk/client-sts';
import { violation } from '../../constraints.js';
import { AwsError } from '../../errors.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsQuery } from '../../protocol/protocols.js';
import { defineService, type Principal } from '../../service.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { OidcProviders } from '../iam/oidc-providers.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { assumeRole } from './assume-role.js';
import type { CredentialsIssuer } from './issuer.js';
import { assumeRoleWithWebIdentity } from './web-identity.js';

/** AWS Security Token Service: who calls, and temporary credentials. */
export function sts(
  base: Base,
  capabilities: {
    roles: RoleDirectory & RoleAuthority;
    issuer: CredentialsIssuer;
    oidcProviders: Pick<OidcProviders, 'byUrl'>;
  },
): Plugin {
  const { accountId } = base;
  const { roles, issuer } = capabilities;
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'sts',
    scopes: ['sts'],
    model,
    protocol: awsQuery(model, 'https://sts.amazonaws.com/doc/2011-06-15/'),
    validationError: { code: 'ValidationError' },
    authorize(operation, _input, { principal }) {
      // The token is the proof of who calls.
      if (principal.kind !== 'anonymous' || operation === 'AssumeRoleWithWebIdentity') return;
      throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
    },
    operations: {
      GetCallerIdentity: (_input, { principal }) => ({
        Account: accountId,
        Arn: principal.arn,
        UserId: userId(principal),
      }),
      AssumeRole: assumeRole(base, capabilities),
      AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity(base, capabilities),
      GetSessionToken({ DurationSeconds: duration = 43_200, SerialNumber }, { principal }) {
        if (principal.kind !== 'account') {
          throw new AwsError('AccessDenied', 'Cannot call GetSessionToken with session credentials', 403);
        }
        if (SerialNumber !== undefined) {
          throw new AwsError('NotImplementedException', 'MFA is not built in the local cloud', 501);
        }
        if (!Number.isInteger(duration) || duration < 900 || duration > 129_600) {
          throw new AwsError(
            'ValidationError',
            violation(duration, 'durationSeconds', 'Member must have value between 900 and 129600'),
          );
        }
        const issued = issuer.issueForAccount(duration);
        return {
          Credentials: {
            AccessKeyId: issued.accessKeyId,
            SecretAccessKey: issued.secretAccessKey,
            SessionToken: issued.sessionToken,
            Expiration: issued.expiration,
          },
        };
      },
    },
  });
  return { services: [service] };

  function userId(principal: Principal): string {
    if (principal.kind !== 'role') return accountId;
    return `${roles.byName(principal.roleName)?.roleId ?? 'AROA'}:${principal.sessionName}`;
  }
}
