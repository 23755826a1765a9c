import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';
import { NotAuthorizedException } from '@aws-sdk/client-cognito-identity-provider';
import { z } from 'zod';
import type { Base } from '../../plugin.js';
import { decodeToken, isSigned } from '../sts/identity-token.js';
import { notAuthorized } from './errors.js';
import type {
  ClientRecord,
  RefreshTokenRecord,
  UserPoolRecord,
  UserPoolTables,
  UserRecord,
} from './tables.js';
import type { Users } from './users.js';

/** Milliseconds that ID and access tokens are valid at most. */
const LONGEST_VALIDITY = 86_400_000;

const makeKeyPair = promisify(generateKeyPair);

/** What a user gets for signing in. */
export interface SignedIn {
  readonly IdToken: string;
  readonly AccessToken: string;
  readonly RefreshToken?: string;
  /** Seconds that the access token is valid. */
  readonly ExpiresIn: number;
  readonly TokenType: 'Bearer';
}

const Claims = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.string().optional(),
  client_id: z.string().optional(),
  token_use: z.enum(['id', 'access']),
  exp: z.number(),
  auth_time: z.number(),
  origin_jti: z.string(),
  username: z.string().optional(),
  'cognito:username': z.string().optional(),
  'cognito:roles': z.array(z.string()).optional(),
  'cognito:preferred_role': z.string().optional(),
});

/** A valid ID token. */
export interface IdTokenFacts {
  readonly sub: string;
  readonly clientId: string;
  readonly roles: readonly string[];
  readonly preferredRole: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** JSON Web Tokens of user pools (Amazon Cognito developer guide, "Understanding user pool JSON web tokens"). */
export function tokenMaker({ store, clock, region }: Base, tables: UserPoolTables, users: Users) {
  /** Keys that are being made. */
  const making = new Map<string, Promise<{ kid: string; pem: string }>>();
  const issuerOf = (poolId: string) => `https://cognito-idp.${region}.amazonaws.com/${poolId}`;
  const seconds = () => Math.floor(clock.now() / 1000);

  /** The key of a pool; made when it is first needed, since that takes its time. */
  async function keyOf(poolId: string): Promise<{ kid: string; pem: string }> {
    const kept = tables.signingKeys.get(poolId);
    if (kept) return kept;
    let made = making.get(poolId);
    if (!made) {
      made = makeKeyPair('rsa', { modulusLength: 2048 }).then(({ privateKey }) => {
        const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
        const key = { kid: randomBytes(32).toString('base64'), pem };
        store.transaction(() => tables.signingKeys.put(poolId, key));
        return key;
      });
      making.set(poolId, made);
      void made.finally(() => making.delete(poolId)).catch(() => {});
    }
    return made;
  }

  function jwt({ kid, pem }: { kid: string; pem: string }, claims: object): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ kid, alg: 'RS256' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), createPrivateKey(pem)).toString('base64url')}`;
  }

  async function tokens(
    pool: UserPoolRecord,
    client: ClientRecord,
    user: UserRecord,
    { originJti, signedIn }: Pick<RefreshTokenRecord, 'originJti' | 'signedIn'>,
  ): Promise<SignedIn> {
    const key = await keyOf(pool.id);
    const groups = users.groupsOf(pool, user);
    const roles = groups.flatMap(({ roleArn }) => (roleArn === undefined ? [] : [roleArn]));
    const now = seconds();
    const both = {
      sub: user.sub,
      ...(groups.length > 0 && { 'cognito:groups': groups.map(({ name }) => name) }),
      iss: issuerOf(pool.id),
      origin_jti: originJti,
      event_id: randomUUID(),
      auth_time: Math.floor(signedIn / 1000),
      iat: now,
    };
    const preferred = preferredRole(groups);
    const verified = (name: string) =>
      user.attributes[name] === undefined ? {} : { [name]: user.attributes[name] === 'true' };
    const id = {
      ...user.attributes,
      ...verified('email_verified'),
      ...verified('phone_number_verified'),
      ...both,
      'cognito:username': user.username,
      ...(roles.length > 0 && { 'cognito:roles': roles }),
      ...(preferred !== undefined && { 'cognito:preferred_role': preferred }),
      aud: client.clientId,
      token_use: 'id',
      exp: now + client.validity.id,
      jti: randomUUID(),
    };
    const access = {
      ...both,
      client_id: client.clientId,
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin',
      username: user.username,
      exp: now + client.validity.access,
      jti: randomUUID(),
    };
    return {
      IdToken: jwt(key, id),
      AccessToken: jwt(key, access),
      ExpiresIn: client.validity.access,
      TokenType: 'Bearer',
    };
  }

  /** The claims of a token that this cloud signed and that is still worth something, with whose it is. */
  async function verify(text: string, use: 'id' | 'access') {
    const token = decodeToken(text);
    const claims = token && Claims.safeParse(token.payload).data;
    const poolId = claims?.iss.startsWith(issuerOf('')) ? claims.iss.slice(issuerOf('').length) : '';
    const pool = tables.pools.get(poolId);
    if (!token || !claims || !pool || claims.token_use !== use) return 'invalid';
    if (!isSigned(token, [await publicKeyOf(poolId)])) return 'invalid';
    if (claims.exp <= seconds()) return 'expired';
    const user = users.find(pool, use === 'id' ? claims['cognito:username'] : claims.username);
    const isRevoked = tables.revoked.get(claims.origin_jti) !== undefined;
    if (user?.sub !== claims.sub || !user.enabled || isRevoked) return 'revoked';
    return { pool, user, claims };
  }

  /** Ends refresh tokens and what was made with them. */
  function end(wanted: (record: RefreshTokenRecord) => boolean): void {
    const now = clock.now();
    for (const [name, at] of [...tables.revoked.entries()]) {
      if (at < now - LONGEST_VALIDITY) tables.revoked.delete(name);
    }
    for (const [name, record] of [...tables.refreshTokens.entries()]) {
      if (!wanted(record)) continue;
      tables.revoked.put(record.originJti, now);
      tables.refreshTokens.delete(name);
    }
  }

  async function publicKeyOf(poolId: string) {
    const { kid, pem } = await keyOf(poolId);
    const jwk = createPublicKey(pem).export({ format: 'jwk' });
    return { ...jwk, kty: 'RSA', kid, use: 'sig', alg: 'RS256' };
  }

  return {
    issuerOf,
    publicKeyOf,

    /** The tokens of a sign-in that succeeded. */
    async signIn(pool: UserPoolRecord, client: ClientRecord, user: UserRecord): Promise<SignedIn> {
      const record: RefreshTokenRecord = {
        poolId: pool.id,
        clientId: client.clientId,
        user: user.username,
        originJti: randomUUID(),
        signedIn: clock.now(),
        expires: clock.now() + client.validity.refresh * 1000,
      };
      const made = await tokens(pool, client, user, record);
      const refresh = randomBytes(192).toString('base64url');
      store.transaction(() => {
        for (const [name, { expires }] of [...tables.refreshTokens.entries()]) {
          if (expires < clock.now()) tables.refreshTokens.delete(name);
        }
        tables.refreshTokens.put(digest(refresh), record);
      });
      return { ...made, RefreshToken: refresh };
    },

    /** @throws NotAuthorizedException. */
    async refresh(pool: UserPoolRecord, client: ClientRecord, text: string): Promise<SignedIn> {
      const record = tables.refreshTokens.get(digest(text));
      if (record?.clientId !== client.clientId) throw notAuthorized('Invalid Refresh Token');
      if (record.expires < clock.now()) throw notAuthorized('Refresh Token has expired');
      const user = users.find(pool, record.user);
      if (!user?.enabled) throw notAuthorized('User is disabled.');
      return tokens(pool, client, user, record);
    },

    /** Ends a refresh token and the tokens that were made with it; one that is not known is no failure. */
    revoke({ clientId }: ClientRecord, text: string): void {
      const { originJti } = tables.refreshTokens.get(digest(text)) ?? {};
      if (originJti === undefined) return;
      store.transaction(() =>
        end((record) => record.originJti === originJti && record.clientId === clientId),
      );
    },

    /** Ends all that a user signed in for. */
    revokeAll(pool: UserPoolRecord, { username }: UserRecord): void {
      store.transaction(() => end(({ poolId, user }) => poolId === pool.id && user === username));
    },

    /** Whose an access token is. @throws NotAuthorizedException. */
    async userOf(accessToken: string | undefined) {
      const verified = await verify(accessToken ?? '', 'access');
      if (typeof verified !== 'string') return verified;
      throw new NotAuthorizedException({ message: WORDS[verified], $metadata: {} });
    },

    /**
     * What an ID token of a pool says, or why it says nothing.
     *
     * @param provider `cognito-idp.{region}.amazonaws.com/{pool id}`.
     */
    async readIdToken(
      provider: string,
      text: string,
    ): Promise<IdTokenFacts | 'invalid' | 'expired' | 'revoked'> {
      const verified = await verify(text, 'id');
      if (typeof verified === 'string') return verified;
      const { claims } = verified;
      if (claims.iss !== `https://${provider}`) return 'invalid';
      return {
        sub: claims.sub,
        clientId: claims.aud ?? '',
        roles: claims['cognito:roles'] ?? [],
        preferredRole: claims['cognito:preferred_role'],
        claims,
      };
    },
  };
}

export type Tokens = ReturnType<typeof tokenMaker>;

const WORDS = {
  invalid: 'Invalid Access Token',
  expired: 'Access Token has expired',
  revoked: 'Access Token has been revoked',
} as const;

/** Of the group with the lowest precedence; none when two groups share it with different roles. */
function preferredRole(
  groups: readonly { readonly roleArn?: string; readonly precedence?: number }[],
): string | undefined {
  const withRole = groups.filter(({ roleArn }) => roleArn !== undefined);
  const [first] = withRole;
  const same = withRole.filter(({ precedence }) => precedence === first?.precedence);
  return same.every(({ roleArn }) => roleArn === first?.roleArn) ? first?.roleArn : undefined;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
