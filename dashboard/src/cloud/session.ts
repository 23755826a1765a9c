import { type DashboardConfig, names, SessionAnswer, SessionRequest } from '@mooring/contracts';
import { type Signal, signal } from '@preact/signals';
import type { Clock } from '../model/clock.js';
import { type Credentials, IdentityPool, type Logins } from './identity-pool.js';
import { CloudProblem, sentenceOf } from './problem.js';
import { signForFunctionUrl } from './signing.js';
import { claimsOf, type NewPasswordWanted, type Tokens, UserPool } from './user-pool.js';

/** Who looks at the page. `operator` only decides what is shown: the cloud decides what is done. */
export type Visitor =
  | { kind: 'nobody'; problem?: string }
  | { kind: 'guest' }
  | { kind: 'user'; name: string; operator: boolean };

/** What outlives a reload of the page, but not its tab. */
export interface TabStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const REFRESH_TOKEN = 'mooring.refresh-token';
const GUEST = 'mooring.guest';
/** Credentials and tokens are renewed this long before they expire, in milliseconds. */
const EARLY = 5 * 60_000;

/**
 * The visitor and their temporary credentials. Credentials stay in memory; the refresh token alone is in the tab's
 * session storage, so that a reload does not ask for the password again.
 */
export class Session {
  readonly visitor: Signal<Visitor> = signal({ kind: 'nobody' });
  private readonly userPool: UserPool;
  private readonly identityPool: IdentityPool;
  private tokens: { id: string; expires: number; refresh: string } | undefined;
  private kept: Promise<Credentials> | undefined;
  private expires = 0;

  constructor(
    private readonly config: DashboardConfig,
    private readonly storage: TabStorage,
    private readonly clock: Clock,
  ) {
    this.userPool = new UserPool(config.cognitoUserPoolsUrl, config.userPoolClientId);
    this.identityPool = new IdentityPool(config.cognitoIdentityUrl, config.identityPoolId);
  }

  /** Goes on as the user of this tab, or as a guest where guests may look. */
  async start(): Promise<void> {
    const refreshToken = this.storage.getItem(REFRESH_TOKEN);
    if (refreshToken !== null) {
      try {
        this.take(await this.userPool.renew(refreshToken), refreshToken);
        return;
      } catch (error) {
        if (error instanceof CloudProblem && error.code === 'Unreachable') throw error;
        this.storage.removeItem(REFRESH_TOKEN);
      }
    }
    this.becomeGuest();
  }

  /** @returns the wish for a new password, or nothing when the user is in. */
  async signIn(userName: string, password: string): Promise<NewPasswordWanted | undefined> {
    const answer = await this.userPool.signIn(userName, password);
    if ('challenge' in answer) return answer;
    this.take(answer);
    return undefined;
  }

  async chooseNewPassword(wanted: NewPasswordWanted, password: string): Promise<void> {
    this.take(await this.userPool.chooseNewPassword(wanted, password));
  }

  /** Ends the session here and in the cloud; here also when the cloud does not answer. */
  async signOut(): Promise<void> {
    const refresh = this.tokens?.refresh;
    this.tokens = undefined;
    this.storage.removeItem(REFRESH_TOKEN);
    this.becomeGuest();
    if (refresh !== undefined) await this.userPool.revoke(refresh).catch(() => undefined);
  }

  /** Credentials that are valid for a while. @throws CloudProblem */
  async credentials(): Promise<Credentials> {
    if (this.kept === undefined || this.clock.now() > this.expires - EARLY) {
      const asked = this.obtain();
      this.kept = asked;
      // Nothing is asked for twice at once; what failed is asked for again.
      this.expires = Number.POSITIVE_INFINITY;
      asked.then(
        ({ expires }) => {
          if (this.kept === asked) this.expires = expires;
        },
        () => {
          if (this.kept === asked) this.kept = undefined;
        },
      );
    }
    return this.kept;
  }

  private async obtain(): Promise<Credentials> {
    const visitor = this.visitor.value;
    if (visitor.kind === 'nobody') throw new CloudProblem('SignedOut', 'sign in first');
    if (visitor.kind === 'guest') return this.guestCredentials();
    const idToken = await this.validIdToken();
    const { region, userPoolId } = this.config;
    const logins: Logins = { [`cognito-idp.${region}.amazonaws.com/${userPoolId}`]: idToken };
    const identityId = await this.identityPool.identityOf(logins);
    const credentials = await this.identityPool.credentialsOf(identityId, logins);
    await this.letIntoIot(idToken, credentials);
    return credentials;
  }

  private async guestCredentials(): Promise<Credentials> {
    const known = this.storage.getItem(GUEST);
    if (known !== null) {
      try {
        return await this.identityPool.credentialsOf(known);
      } catch (error) {
        if (error instanceof CloudProblem && error.code === 'Unreachable') throw error;
        this.storage.removeItem(GUEST);
      }
    }
    const identityId = await this.identityPool.identityOf();
    this.storage.setItem(GUEST, identityId);
    return this.identityPool.credentialsOf(identityId);
  }

  /** AWS IoT asks for a policy attached to the identity of a user; the function `session` attaches it. */
  private async letIntoIot(idToken: string, credentials: Credentials): Promise<void> {
    const body = JSON.stringify(SessionRequest.parse({ idToken }));
    const request = { method: 'POST', baseUrl: this.config.sessionUrl, path: '/session', query: {}, body };
    const now = new Date(this.clock.now());
    const { url, init } = await signForFunctionUrl(request, credentials, this.config.region, now);
    const answer = await fetch(url, init).catch(() => undefined);
    if (answer === undefined) throw new CloudProblem('Unreachable', 'the session function does not answer');
    const parsed = SessionAnswer.safeParse(await answer.json().catch(() => undefined));
    if (!answer.ok || !parsed.success) {
      throw new CloudProblem('NoSession', 'the cloud did not open a session', answer.status);
    }
  }

  private async validIdToken(): Promise<string> {
    const tokens = this.tokens;
    if (tokens === undefined) throw new CloudProblem('SignedOut', 'sign in first');
    if (this.clock.now() < tokens.expires - EARLY) return tokens.id;
    try {
      const { idToken } = await this.userPool.renew(tokens.refresh);
      this.tokens = { ...tokens, id: idToken, expires: claimsOf(idToken).exp * 1_000 };
      return idToken;
    } catch (error) {
      if (error instanceof CloudProblem && error.code !== 'Unreachable') {
        this.storage.removeItem(REFRESH_TOKEN);
        this.forgetCredentials();
        this.visitor.value = { kind: 'nobody', problem: `your session has ended: ${sentenceOf(error)}` };
      }
      throw error;
    }
  }

  private take(tokens: Tokens, refreshToken = tokens.refreshToken): void {
    const claims = claimsOf(tokens.idToken);
    if (refreshToken === undefined)
      throw new CloudProblem('BadAnswer', 'the user pool gave no refresh token');
    this.tokens = { id: tokens.idToken, expires: claims.exp * 1_000, refresh: refreshToken };
    this.storage.setItem(REFRESH_TOKEN, refreshToken);
    this.forgetCredentials();
    this.visitor.value = {
      kind: 'user',
      name: claims['cognito:username'],
      operator: claims['cognito:groups'].includes(names.operatorsGroup),
    };
  }

  private becomeGuest(): void {
    this.forgetCredentials();
    this.visitor.value = this.config.guests ? { kind: 'guest' } : { kind: 'nobody' };
  }

  private forgetCredentials(): void {
    this.kept = undefined;
    this.expires = 0;
  }
}
