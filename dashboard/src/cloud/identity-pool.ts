import { z } from 'zod';
import { callAwsJson } from './aws-json.js';

/** Temporary credentials of an IAM role. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** Milliseconds since 1970. */
  expires: number;
}

/** Who vouches for a visitor: the user pool's name to their ID token; nothing for guests. */
export type Logins = Readonly<Record<string, string>>;

const IdentityAnswer = z.object({ IdentityId: z.string() });

const CredentialsAnswer = z.object({
  Credentials: z.object({
    AccessKeyId: z.string(),
    SecretKey: z.string(),
    SessionToken: z.string(),
    /** Seconds since 1970, perhaps with a fraction. */
    Expiration: z.number(),
  }),
});

/** An Amazon Cognito identity pool: an identity for each visitor, and credentials for it. */
export class IdentityPool {
  /** @param url base URL of the API `cognito-identity`. */
  constructor(
    private readonly url: string,
    private readonly identityPoolId: string,
  ) {}

  async identityOf(logins?: Logins): Promise<string> {
    const input = { IdentityPoolId: this.identityPoolId, Logins: logins };
    const answer = await callAwsJson(this.url, 'AWSCognitoIdentityService.GetId', input, IdentityAnswer);
    return answer.IdentityId;
  }

  async credentialsOf(identityId: string, logins?: Logins): Promise<Credentials> {
    const { Credentials: found } = await callAwsJson(
      this.url,
      'AWSCognitoIdentityService.GetCredentialsForIdentity',
      { IdentityId: identityId, Logins: logins },
      CredentialsAnswer,
    );
    return {
      accessKeyId: found.AccessKeyId,
      secretAccessKey: found.SecretKey,
      sessionToken: found.SessionToken,
      expires: found.Expiration * 1_000,
    };
  }
}
