import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cognito-identity';
import {
  InvalidIdentityPoolConfigurationException,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity';
import type { Base } from '../../plugin.js';
import { requestContext } from '../../request-context.js';
import type { Call, Operations } from '../../service.js';
import { key } from '../../store/store.js';
import type { IdTokens } from '../cognito-idp/cognito-idp.js';
import type { IdTokenFacts } from '../cognito-idp/tokens.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { CredentialsIssuer } from '../sts/issuer.js';
import {
  type IdentityPoolRecord,
  type IdentityPools,
  type IdentityRecord,
  type IdentityTables,
  notFound,
} from './identity-pools.js';
import { chooseRole } from './role-mapping.js';

/** Seconds that credentials of the enhanced flow are valid. */
const DURATION = 3600;
const SESSION_NAME = 'CognitoIdentityCredentials';

interface Login {
  readonly provider: string;
  readonly facts: IdTokenFacts;
}

/**
 * Identities and their credentials, by the enhanced flow (Amazon Cognito developer guide, "Identity pools
 * authentication flow"): the role is chosen and assumed here.
 */
export function identityCredentials(
  base: Base,
  tables: IdentityTables,
  {
    pools,
    idTokens,
    roles,
    issuer,
  }: { pools: IdentityPools; idTokens: IdTokens; roles: RoleDirectory; issuer: CredentialsIssuer },
) {
  const { store, clock } = base;

  /** The logins that a caller has, each looked at. @throws NotAuthorizedException. */
  async function checked(
    pool: IdentityPoolRecord,
    logins: Readonly<Record<string, string>>,
  ): Promise<Login[]> {
    const found: Login[] = [];
    for (const [provider, token] of Object.entries(logins)) {
      const known = pool.providers.filter(({ providerName }) => providerName === provider);
      if (known.length === 0) {
        throw notAuthorized('Token is not from a supported provider of this identity pool.');
      }
      const facts = await idTokens.readIdToken(provider, token);
      if (facts === 'expired') throw notAuthorized('Invalid login token. Token expired.');
      if (facts === 'revoked') throw notAuthorized('Invalid login token. Token has been revoked.');
      if (facts === 'invalid') throw notAuthorized("Invalid login token. Couldn't verify signed token.");
      if (!known.some(({ clientId }) => clientId === facts.clientId)) {
        throw notAuthorized('Invalid login token. Incorrect token audience.');
      }
      found.push({ provider, facts });
    }
    return found;
  }

  function newIdentity(pool: IdentityPoolRecord, logins: readonly Login[]): IdentityRecord {
    const now = clock.now();
    const identity: IdentityRecord = {
      id: `${base.region}:${randomUUID()}`,
      poolId: pool.id,
      logins: Object.fromEntries(logins.map(({ provider, facts }) => [provider, facts.sub])),
      created: now,
      modified: now,
    };
    tables.identities.put(identity.id, identity);
    for (const { provider, facts } of logins)
      tables.byLogin.put(key(pool.id, provider, facts.sub), identity.id);
    return identity;
  }

  /** The identity of a caller: known by a login, or a new one. */
  function identityOf(pool: IdentityPoolRecord, logins: readonly Login[]): IdentityRecord {
    return store.transaction(() => {
      for (const { provider, facts } of logins) {
        const id = tables.byLogin.get(key(pool.id, provider, facts.sub));
        const identity = id === undefined ? undefined : tables.identities.get(id);
        if (identity) return identity;
      }
      return newIdentity(pool, logins);
    });
  }

  const operations = {
    async GetId({ IdentityPoolId, Logins = {} }: sdk.GetIdCommandInput) {
      const pool = pools.existing(IdentityPoolId);
      const logins = await checked(pool, Logins);
      if (logins.length === 0 && !pool.guests) {
        throw notAuthorized('Unauthenticated access is not supported for this identity pool.');
      }
      return { IdentityId: identityOf(pool, logins).id };
    },

    async GetCredentialsForIdentity(input: sdk.GetCredentialsForIdentityCommandInput, call: Call) {
      const { IdentityId = '', Logins = {}, CustomRoleArn } = input;
      const identity = tables.identities.get(IdentityId);
      if (!identity) throw notFound(`Identity '${IdentityId}' not found.`);
      const pool = pools.existing(identity.poolId);
      const logins = await checked(pool, Logins);
      const own = Object.entries(identity.logins);
      const isOwn = logins.some(({ provider, facts }) => identity.logins[provider] === facts.sub);
      if (own.length > 0 ? !isOwn : logins.length > 0) {
        throw notAuthorized(
          "Logins don't match. Please include at least one valid login for this identity or identity pool.",
        );
      }
      const [login] = logins;
      if (!login && !pool.guests) {
        throw notAuthorized('Unauthenticated access is not supported for this identity pool.');
      }
      const chosen = chooseRole(pool, login, CustomRoleArn);
      if ('refused' in chosen) throw notAuthorized(chosen.refused);
      const role = chosen.roleArn === undefined ? undefined : roles.byArn(chosen.roleArn);
      const kind = login ? 'authenticated' : 'unauthenticated';
      const prefix = 'cognito-identity.amazonaws.com';
      const context = new Map([
        ...requestContext(call, clock.now()),
        [`${prefix}:aud`, pool.id] as const,
        [`${prefix}:sub`, identity.id] as const,
        [`${prefix}:amr`, kind] as const,
      ]);
      const principal = { kind: 'federated', provider: prefix } as const;
      const action = 'sts:AssumeRoleWithWebIdentity';
      if (!role || !roles.mayAssume(role.arn, { principal, context, action })) {
        throw new InvalidIdentityPoolConfigurationException({
          message: 'Invalid identity pool configuration. Check assigned IAM roles for this pool.',
          $metadata: {},
        });
      }
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = issuer.issue(
        role.roleName,
        SESSION_NAME,
        DURATION,
        { identityId: identity.id, identityPoolId: pool.id, authenticated: login !== undefined },
      );
      return {
        IdentityId: identity.id,
        Credentials: {
          AccessKeyId: accessKeyId,
          SecretKey: secretAccessKey,
          SessionToken: sessionToken,
          Expiration: expiration,
        },
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

function notAuthorized(message: string): NotAuthorizedException {
  return new NotAuthorizedException({ message, $metadata: {} });
}
