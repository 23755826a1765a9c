import type { SessionAnswer } from '@mooring/contracts';
import { RequestProblem } from '../api/problem.js';
import { describe, type Log } from '../rotation/log.js';

/** What letting a visitor into AWS IoT needs of its surroundings. */
export interface SessionPorts {
  /**
   * Id of the identity that an ID token belongs to.
   *
   * @throws RefusedTokenError when the token is not a valid one of the user pool.
   */
  readonly identityOf: (idToken: string, signal: AbortSignal) => Promise<string>;
  /** Attaches the policy of the dashboard to an identity; that it is attached already is no failure. */
  readonly attachPolicy: (identityId: string, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** Amazon Cognito does not take the token. */
export class RefusedTokenError extends Error {
  override readonly name = 'RefusedTokenError';
}

/** Lets the identity of somebody who signed in use AWS IoT. */
export async function openSession(
  idToken: string,
  { identityOf, attachPolicy, log }: SessionPorts,
  signal: AbortSignal,
): Promise<SessionAnswer> {
  let identityId: string;
  try {
    identityId = await identityOf(idToken, signal);
  } catch (error) {
    if (!(error instanceof RefusedTokenError)) throw error;
    log('session-refused', { reason: describe(error) });
    throw new RequestProblem(
      401,
      'TokenRefused',
      'the ID token is not valid, or has expired: sign in again',
      {
        cause: error,
      },
    );
  }
  await attachPolicy(identityId, signal);
  log('session-opened', { identityId });
  return { identityId };
}
