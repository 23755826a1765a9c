import {
  type AssumeRoleWithWebIdentityCommandInput,
  ExpiredTokenException,
  IDPCommunicationErrorException,
  InvalidIdentityTokenException,
} from '@aws-sdk/client-sts';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import { requestContext } from '../../request-context.js';
import type { Call } from '../../service.js';
import type { RoleDirectory } from '../iam/directory.js';
import { isLoopback, type OidcProviders, withoutScheme } from '../iam/oidc-providers.js';
import { checkDuration, checkNames, refuseMembers } from './assume-role.js';
import { type Claims, claimsOf, decodeToken, isSigned, type SigningKeys } from './identity-token.js';
import type { CredentialsIssuer } from './issuer.js';
import { SigningKeysError, signingKeysOf } from './signing-keys.js';

const $metadata = {};
const UNBUILT = ['Policy', 'PolicyArns', 'ProviderId'];
/** Seconds by which clocks may differ. */
const LEEWAY = 60;

/**
 * AssumeRoleWithWebIdentity: credentials of a role for whom a registered OpenID Connect provider vouches with a
 * signed token. The issuer's keys are fetched from the issuer, as STS does, so here it must be on this machine.
 */
export function assumeRoleWithWebIdentity(
  { clock }: Base,
  {
    roles,
    issuer,
    oidcProviders,
  }: { roles: RoleDirectory; issuer: CredentialsIssuer; oidcProviders: Pick<OidcProviders, 'byUrl'> },
) {
  return async (input: AssumeRoleWithWebIdentityCommandInput, call: Call) => {
    const {
      RoleArn: roleArn = '',
      RoleSessionName: sessionName = '',
      WebIdentityToken: text = '',
      DurationSeconds: duration = 3600,
    } = input;
    refuseMembers('AssumeRoleWithWebIdentity', input, UNBUILT);
    checkNames(roleArn, sessionName);
    const token = decodeToken(text);
    const claims = token && claimsOf(token);
    if (!claims)
      throw invalidToken(
        'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
      );
    const provider = oidcProviders.byUrl(claims.iss);
    if (!provider) throw invalidToken(`No OpenIDConnect provider found in your account for ${claims.iss}`);
    if (!isLoopback(provider.url)) {
      throw new AwsError(
        'NotImplementedException',
        `AssumeRoleWithWebIdentity with tokens of ${provider.url} is not built in the local cloud, which asks no issuer outside of this machine for its keys`,
        501,
      );
    }
    if (!isSigned(token, await keys(provider.url))) {
      throw invalidToken(
        "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
      );
    }
    checkTimes(claims, clock.now() / 1000);
    const audience = audienceOf(claims);
    if (!provider.clientIds.includes(audience)) throw invalidToken('Incorrect token audience');

    const role = roles.byArn(roleArn);
    const issuerName = withoutScheme(provider.url).toLowerCase();
    const context = new Map([
      ...requestContext(call, clock.now()),
      [`${issuerName}:aud`, audience] as const,
      [`${issuerName}:sub`, claims.sub] as const,
      ['sts:rolesessionname', sessionName] as const,
    ]);
    const principal = { kind: 'federated', provider: provider.arn } as const;
    const action = 'sts:AssumeRoleWithWebIdentity';
    if (!role || !roles.mayAssume(role.arn, { principal, context, action })) {
      throw new AwsError('AccessDenied', `Not authorized to perform ${action}`, 403);
    }
    checkDuration(duration, role);
    const issued = issuer.issue(role.roleName, sessionName, duration);
    return {
      Credentials: {
        AccessKeyId: issued.accessKeyId,
        SecretAccessKey: issued.secretAccessKey,
        SessionToken: issued.sessionToken,
        Expiration: issued.expiration,
      },
      SubjectFromWebIdentityToken: claims.sub,
      AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${sessionName}`, Arn: issued.assumedRoleArn },
      Provider: provider.arn,
      Audience: audience,
    };
  };
}

async function keys(url: string): Promise<SigningKeys> {
  try {
    return await signingKeysOf(url);
  } catch (error) {
    if (!(error instanceof SigningKeysError)) throw error;
    throw new IDPCommunicationErrorException({ message: error.message, $metadata });
  }
}

function checkTimes({ exp, iat, nbf }: Claims, now: number): void {
  if (exp <= now - LEEWAY) {
    throw new ExpiredTokenException({
      message: `Token expired: current date/time ${Math.floor(now)} must be before the expiration date/time ${exp}`,
      $metadata,
    });
  }
  if (iat > now + LEEWAY || (nbf !== undefined && nbf > now + LEEWAY)) {
    throw invalidToken('The token is not valid yet: it was issued in the future');
  }
}

/** The one audience; with several, the party that the token was issued to (OpenID Connect Core, section 2, `azp`). */
function audienceOf({ aud, azp }: Claims): string {
  if (azp !== undefined) return azp;
  return typeof aud === 'string' ? aud : aud.length === 1 ? (aud[0] ?? '') : '';
}

function invalidToken(message: string): InvalidIdentityTokenException {
  return new InvalidIdentityTokenException({ message, $metadata });
}
