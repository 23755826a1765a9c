import type { Clock } from '../../clock.js';
import { notAuthorized } from './errors.js';

/** Wrong passwords before a user has to wait, and the longest time to wait in milliseconds. */
const FREE = 5;
const LONGEST_WAIT = 15 * 60_000;
const REMEMBERED = 10_000;

/**
 * Wrong passwords: after five of them a user waits a second, and twice as long after each further one, up to 15 minutes
 * (Amazon Cognito developer guide, "Lockout behavior for failed sign-in attempts").
 */
export class SignInAttempts {
  readonly #failed = new Map<string, { count: number; until: number }>();

  constructor(private readonly clock: Clock) {}

  /** @throws NotAuthorizedException while the user has to wait. */
  check(poolId: string, username: string): void {
    const until = this.#failed.get(keyOf(poolId, username))?.until ?? 0;
    if (this.clock.now() < until) throw notAuthorized('Password attempts exceeded');
  }

  failed(poolId: string, username: string): void {
    const key = keyOf(poolId, username);
    const count = (this.#failed.get(key)?.count ?? 0) + 1;
    const wait = count < FREE ? 0 : Math.min(LONGEST_WAIT, 1000 * 2 ** (count - FREE));
    this.#failed.delete(key);
    this.#failed.set(key, { count, until: this.clock.now() + wait });
    const [oldest] = this.#failed.size > REMEMBERED ? this.#failed.keys() : [];
    if (oldest !== undefined) this.#failed.delete(oldest);
  }

  succeeded(poolId: string, username: string): void {
    this.#failed.delete(keyOf(poolId, username));
  }
}

function keyOf(poolId: string, username: string): string {
  return `${poolId} ${username.toLowerCase()}`;
}
