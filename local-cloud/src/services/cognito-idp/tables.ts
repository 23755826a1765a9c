import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import type { Store, Table } from '../../store/store.js';
import type { Verifier } from './srp.js';

/** What Amazon Cognito user pools keep. Times are milliseconds since 1970. */
export interface UserPoolTables {
  readonly pools: Table<UserPoolRecord>;
  /** By client id, which is unique among all pools. */
  readonly clients: Table<ClientRecord>;
  /** key(pool, group) */
  readonly groups: Table<GroupRecord>;
  /** key(pool, name as it is compared) */
  readonly users: Table<UserRecord>;
  /** key(pool, user, group) */
  readonly memberships: Table<true>;
  /** By the SHA-256 of the token in hexadecimal. */
  readonly refreshTokens: Table<RefreshTokenRecord>;
  /** By the SHA-256 of the session in hexadecimal. */
  readonly challenges: Table<ChallengeRecord>;
  /** By pool: PEM of the private key that signs its tokens. */
  readonly signingKeys: Table<{ readonly kid: string; readonly pem: string }>;
  /** By the id of the sign-in that tokens go back to: since when they are worth nothing. */
  readonly revoked: Table<number>;
}

export interface PasswordPolicy {
  readonly MinimumLength: number;
  readonly RequireUppercase: boolean;
  readonly RequireLowercase: boolean;
  readonly RequireNumbers: boolean;
  readonly RequireSymbols: boolean;
  readonly TemporaryPasswordValidityDays: number;
}

export interface UserPoolRecord {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly modified: number;
  readonly passwordPolicy: PasswordPolicy;
  readonly selfSignUp: boolean;
  readonly caseSensitive: boolean;
  readonly deletionProtection: boolean;
  readonly recovery: sdk.AccountRecoverySettingType | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ClientRecord {
  readonly clientId: string;
  readonly poolId: string;
  readonly name: string;
  readonly created: number;
  readonly modified: number;
  readonly flows: readonly string[];
  readonly hideUsers: boolean;
  readonly tokenRevocation: boolean;
  /** Seconds. */
  readonly validity: { readonly id: number; readonly access: number; readonly refresh: number };
  /** As they were given. */
  readonly given: Pick<
    sdk.UserPoolClientType,
    'IdTokenValidity' | 'AccessTokenValidity' | 'RefreshTokenValidity' | 'TokenValidityUnits'
  >;
}

export interface GroupRecord {
  readonly name: string;
  readonly description?: string;
  readonly roleArn?: string;
  readonly precedence?: number;
  readonly created: number;
  readonly modified: number;
}

export interface UserRecord {
  readonly username: string;
  readonly sub: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly status: 'FORCE_CHANGE_PASSWORD' | 'CONFIRMED';
  readonly password: Verifier;
  /** When a temporary password ends. */
  readonly passwordEnds?: number;
  readonly created: number;
  readonly modified: number;
}

export interface RefreshTokenRecord {
  readonly poolId: string;
  readonly clientId: string;
  readonly user: string;
  readonly originJti: string;
  readonly signedIn: number;
  readonly expires: number;
}

export interface ChallengeRecord {
  readonly kind: 'PASSWORD_VERIFIER' | 'NEW_PASSWORD_REQUIRED';
  readonly poolId: string;
  readonly clientId: string;
  readonly username: string;
  readonly expires: number;
  /** Public value A of the client, public and secret value of the server, hexadecimal. */
  readonly srp?: { readonly client: string; readonly publicValue: string; readonly secret: string };
}

export function openTables(store: Store): UserPoolTables {
  return {
    pools: store.table('cognito-idp.pools'),
    clients: store.table('cognito-idp.clients'),
    groups: store.table('cognito-idp.groups'),
    users: store.table('cognito-idp.users'),
    memberships: store.table('cognito-idp.memberships'),
    refreshTokens: store.table('cognito-idp.refreshTokens'),
    challenges: store.table('cognito-idp.challenges'),
    signingKeys: store.table('cognito-idp.signingKeys'),
    revoked: store.table('cognito-idp.revoked'),
  };
}
