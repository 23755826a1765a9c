import { createHash, randomBytes } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { invalidParameter, noSuchUser, notAuthorized, notFound } from './errors.js';
import { checkPassword } from './password-policy.js';
import type { Pools } from './pool-operations.js';
import { SignInAttempts } from './sign-in-attempts.js';
import { isClaimProven, isPassword, isPublicValue, makeVerifier, serverHalf } from './srp.js';
import type { ChallengeRecord, ClientRecord, UserPoolRecord, UserPoolTables, UserRecord } from './tables.js';
import type { Tokens } from './tokens.js';
import { newPassword, poolName, type Users } from './users.js';

/** Milliseconds that a challenge waits for its answer: the least and default AuthSessionValidity. */
const CHALLENGE_ENDS = 3 * 60_000;
type Parameters = Readonly<Record<string, string>>;

/** Signing in: by password, by SRP, and with a refresh token (Amazon Cognito developer guide, "Authentication flows"). */
export function authentication(
  { store, clock }: Base,
  tables: UserPoolTables,
  { pools, users, tokens }: { pools: Pools; users: Users; tokens: Tokens },
) {
  const attempts = new SignInAttempts(clock);

  function clientOf(clientId: string | undefined): { client: ClientRecord; pool: UserPoolRecord } {
    const client = clientId === undefined ? undefined : tables.clients.get(clientId);
    if (!client) throw notFound(`User pool client ${clientId} does not exist.`);
    return { client, pool: pools.existing(client.poolId) };
  }

  /** The user who signs in; for a client that hides who exists, somebody made up whose password nobody knows. */
  function userOf(pool: UserPoolRecord, client: ClientRecord, username: string): UserRecord | undefined {
    const user = users.find(pool, username);
    if (!user && !client.hideUsers) throw noSuchUser();
    return user;
  }

  function refused(pool: UserPoolRecord, username: string) {
    attempts.failed(pool.id, username);
    return notAuthorized('Incorrect username or password.');
  }

  /** What follows when the password was right. */
  async function passed(
    pool: UserPoolRecord,
    client: ClientRecord,
    user: UserRecord,
  ): Promise<sdk.InitiateAuthResponse> {
    attempts.succeeded(pool.id, user.username);
    if (!user.enabled) throw notAuthorized('User is disabled.');
    if (user.status === 'CONFIRMED') {
      return { AuthenticationResult: await tokens.signIn(pool, client, user), ChallengeParameters: {} };
    }
    if ((user.passwordEnds ?? 0) < clock.now()) {
      throw notAuthorized('Temporary password has expired and must be reset by an administrator.');
    }
    const Session = newChallenge({ kind: 'NEW_PASSWORD_REQUIRED', pool, client, username: user.username });
    return {
      ChallengeName: 'NEW_PASSWORD_REQUIRED' as const,
      Session,
      ChallengeParameters: {
        USER_ID_FOR_SRP: user.username,
        requiredAttributes: '[]',
        userAttributes: JSON.stringify(user.attributes),
      },
    };
  }

  function newChallenge(
    about: Pick<ChallengeRecord, 'kind' | 'username' | 'srp'> & {
      pool: UserPoolRecord;
      client: ClientRecord;
    },
  ): string {
    const session = randomBytes(96).toString('base64');
    const { pool, client, ...rest } = about;
    const expires = clock.now() + CHALLENGE_ENDS;
    store.transaction(() => {
      for (const [name, challenge] of [...tables.challenges.entries()]) {
        if (challenge.expires < clock.now()) tables.challenges.delete(name);
      }
      tables.challenges.put(digest(session), {
        ...rest,
        poolId: pool.id,
        clientId: client.clientId,
        expires,
      });
    });
    return session;
  }

  /** The challenge of a session, which is used up. @throws NotAuthorizedException. */
  function takeChallenge(
    session: string,
    kind: ChallengeRecord['kind'],
    { clientId }: ClientRecord,
  ): ChallengeRecord {
    return store.transaction(() => {
      const challenge = tables.challenges.get(digest(session));
      if (challenge?.kind !== kind || challenge.clientId !== clientId) {
        throw notAuthorized('Invalid session for the user.');
      }
      tables.challenges.delete(digest(session));
      if (challenge.expires < clock.now()) {
        throw notAuthorized('Invalid session for the user, session is expired.');
      }
      return challenge;
    });
  }

  async function byPassword(pool: UserPoolRecord, client: ClientRecord, parameters: Parameters) {
    const username = required(parameters, 'USERNAME');
    const password = required(parameters, 'PASSWORD');
    attempts.check(pool.id, username);
    const user = userOf(pool, client, username);
    if (!user || !isPassword(poolName(pool), user.username, password, user.password)) {
      throw refused(pool, username);
    }
    return passed(pool, client, user);
  }

  function bySrp(pool: UserPoolRecord, client: ClientRecord, parameters: Parameters) {
    const username = required(parameters, 'USERNAME');
    const clientValue = required(parameters, 'SRP_A');
    if (!isPublicValue(clientValue)) throw invalidParameter('SRP_A is not a public value');
    attempts.check(pool.id, username);
    const user = userOf(pool, client, username);
    const id = user?.username ?? username;
    const verifier = user?.password ?? makeVerifier(poolName(pool), id, randomBytes(16).toString('hex'));
    const half = serverHalf(verifier);
    const block = newChallenge({
      ...{ kind: 'PASSWORD_VERIFIER', pool, client, username: id },
      srp: { client: clientValue, publicValue: half.publicValue, secret: half.secret },
    });
    return {
      ChallengeName: 'PASSWORD_VERIFIER' as const,
      ChallengeParameters: {
        SALT: verifier.salt,
        SRP_B: half.publicValue,
        SECRET_BLOCK: block,
        USERNAME: id,
        USER_ID_FOR_SRP: id,
      },
    };
  }

  async function passwordVerifier(pool: UserPoolRecord, client: ClientRecord, responses: Parameters) {
    const block = required(responses, 'PASSWORD_CLAIM_SECRET_BLOCK');
    const { username, srp } = takeChallenge(block, 'PASSWORD_VERIFIER', client);
    const user = users.find(pool, username);
    const claim = {
      pool: poolName(pool),
      username,
      secretBlock: Buffer.from(block, 'base64'),
      timestamp: required(responses, 'TIMESTAMP'),
      signature: required(responses, 'PASSWORD_CLAIM_SIGNATURE'),
    };
    if (!user || !srp || !isClaimProven(claim, srp.client, user.password, srp)) throw refused(pool, username);
    return passed(pool, client, user);
  }

  async function newPasswordRequired(
    pool: UserPoolRecord,
    client: ClientRecord,
    session: string,
    responses: Parameters,
  ) {
    const password = required(responses, 'NEW_PASSWORD');
    // Checked before the session is used up: who chose badly may choose again.
    checkPassword(password, pool.passwordPolicy);
    const { username } = takeChallenge(session, 'NEW_PASSWORD_REQUIRED', client);
    const user = store.transaction(() => {
      const before = users.get(pool, username);
      const after: UserRecord = {
        ...before,
        password: newPassword(pool, before.username, password),
        status: 'CONFIRMED',
        passwordEnds: Number.POSITIVE_INFINITY,
        modified: clock.now(),
      };
      users.put(pool, after);
      return after;
    });
    return passed(pool, client, user);
  }

  function checkFlow({ flows }: ClientRecord, flow: string): void {
    if (!flows.includes(`ALLOW_${flow}`)) {
      throw invalidParameter(`${flow} flow not enabled for this client`);
    }
  }

  async function initiate(
    flow: string | undefined,
    clientId: string | undefined,
    parameters: Parameters,
  ): Promise<sdk.InitiateAuthResponse> {
    const { client, pool } = clientOf(clientId);
    switch (flow) {
      case 'USER_PASSWORD_AUTH':
      case 'ADMIN_USER_PASSWORD_AUTH':
        checkFlow(client, flow);
        return byPassword(pool, client, parameters);
      case 'USER_SRP_AUTH':
        checkFlow(client, flow);
        return bySrp(pool, client, parameters);
      case 'REFRESH_TOKEN':
      case 'REFRESH_TOKEN_AUTH': {
        checkFlow(client, 'REFRESH_TOKEN_AUTH');
        const refreshed = await tokens.refresh(pool, client, required(parameters, 'REFRESH_TOKEN'));
        return { AuthenticationResult: refreshed, ChallengeParameters: {} };
      }
      default:
        throw invalidParameter(`The flow ${flow} is not built in the local cloud`);
    }
  }

  const operations = {
    InitiateAuth({ AuthFlow, ClientId, AuthParameters = {} }: sdk.InitiateAuthCommandInput) {
      if (AuthFlow?.startsWith('ADMIN_')) {
        throw invalidParameter('Initiate Auth method not supported.');
      }
      return initiate(AuthFlow, ClientId, AuthParameters);
    },

    AdminInitiateAuth(input: sdk.AdminInitiateAuthCommandInput) {
      const { pool } = clientOf(input.ClientId);
      if (pool.id !== input.UserPoolId) throw notFound(`User pool client ${input.ClientId} does not exist.`);
      return initiate(input.AuthFlow, input.ClientId, input.AuthParameters ?? {});
    },

    async RespondToAuthChallenge(input: sdk.RespondToAuthChallengeCommandInput) {
      const { client, pool } = clientOf(input.ClientId);
      const responses = input.ChallengeResponses ?? {};
      switch (input.ChallengeName) {
        case 'PASSWORD_VERIFIER':
          return passwordVerifier(pool, client, responses);
        case 'NEW_PASSWORD_REQUIRED':
          return newPasswordRequired(pool, client, input.Session ?? '', responses);
        default:
          throw invalidParameter(`The challenge ${input.ChallengeName} is not built in the local cloud`);
      }
    },

    RevokeToken({ Token = '', ClientId }: sdk.RevokeTokenCommandInput) {
      tokens.revoke(clientOf(ClientId).client, Token);
      return {};
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

/** @throws InvalidParameterException. */
function required(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (value === undefined || value === '') throw invalidParameter(`Missing required parameter ${name}`);
  return value;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
