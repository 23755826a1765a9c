import { z } from 'zod';
import { callAwsJson } from './aws-json.js';
import { CloudProblem } from './problem.js';

/** What a sign-in gives. */
export interface Tokens {
  idToken: string;
  /** Absent when it was renewed: the one before goes on. */
  refreshToken?: string;
}

/** The user pool wants a password of the user's own before it lets them in. */
export interface NewPasswordWanted {
  challenge: 'NEW_PASSWORD_REQUIRED';
  session: string;
  userName: string;
}

/** What the page reads of an ID token; the cloud checks its signature, the page only shows what it says. */
const IdTokenClaims = z.object({
  sub: z.string(),
  exp: z.number(),
  'cognito:username': z.string(),
  'cognito:groups': z.array(z.string()).default([]),
});
export type IdTokenClaims = z.infer<typeof IdTokenClaims>;

const AuthAnswer = z.object({
  ChallengeName: z.string().optional(),
  Session: z.string().optional(),
  ChallengeParameters: z.record(z.string(), z.string()).optional(),
  AuthenticationResult: z.object({ IdToken: z.string(), RefreshToken: z.string().optional() }).optional(),
});

/** Sign-in at an Amazon Cognito user pool, for an app client without a secret. */
export class UserPool {
  /** @param url base URL of the API `cognito-idp`. */
  constructor(
    private readonly url: string,
    private readonly clientId: string,
  ) {}

  /** @throws CloudProblem such as `NotAuthorizedException` for a wrong password. */
  async signIn(userName: string, password: string): Promise<Tokens | NewPasswordWanted> {
    const answer = await this.call('InitiateAuth', {
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: this.clientId,
      AuthParameters: { USERNAME: userName, PASSWORD: password },
    });
    if (answer.ChallengeName === 'NEW_PASSWORD_REQUIRED' && answer.Session !== undefined) {
      const name = answer.ChallengeParameters?.USER_ID_FOR_SRP ?? userName;
      return { challenge: 'NEW_PASSWORD_REQUIRED', session: answer.Session, userName: name };
    }
    return tokensOf(answer);
  }

  /** Answers the challenge of {@link signIn}. */
  async chooseNewPassword(wanted: NewPasswordWanted, password: string): Promise<Tokens> {
    const answer = await this.call('RespondToAuthChallenge', {
      ChallengeName: wanted.challenge,
      ClientId: this.clientId,
      Session: wanted.session,
      ChallengeResponses: { USERNAME: wanted.userName, NEW_PASSWORD: password },
    });
    return tokensOf(answer);
  }

  async renew(refreshToken: string): Promise<Tokens> {
    const answer = await this.call('InitiateAuth', {
      AuthFlow: 'REFRESH_TOKEN_AUTH',
      ClientId: this.clientId,
      AuthParameters: { REFRESH_TOKEN: refreshToken },
    });
    return tokensOf(answer);
  }

  /** Ends the refresh token and what came of it. */
  async revoke(refreshToken: string): Promise<void> {
    const input = { ClientId: this.clientId, Token: refreshToken };
    await callAwsJson(this.url, 'AWSCognitoIdentityProviderService.RevokeToken', input, z.object({}));
  }

  private call(operation: string, input: object): Promise<z.infer<typeof AuthAnswer>> {
    return callAwsJson(this.url, `AWSCognitoIdentityProviderService.${operation}`, input, AuthAnswer);
  }
}

function tokensOf(answer: z.infer<typeof AuthAnswer>): Tokens {
  const result = answer.AuthenticationResult;
  if (result === undefined) {
    const wanted = answer.ChallengeName ?? 'nothing';
    throw new CloudProblem(
      'UnknownChallenge',
      `this page cannot answer ${wanted}, which the user pool asks for`,
    );
  }
  return { idToken: result.IdToken, refreshToken: result.RefreshToken };
}

/**
 * Reads the claims of an ID token (RFC 7519), without checking its signature.
 *
 * @throws CloudProblem when it is none.
 */
export function claimsOf(idToken: string): IdTokenClaims {
  try {
    const payload = (idToken.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return IdTokenClaims.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    throw new CloudProblem('BadToken', 'the user pool gave a token that is not readable');
  }
}
