import { randomBytes } from 'node:crypto';
import type { CredentialsLookup } from '../../http/sigv4.js';
import type { Base } from '../../plugin.js';
import { accountPrincipal, type CognitoIdentity } from '../../service.js';

/** Temporary credentials. */
export interface TemporaryCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Temporary credentials of a role's session. */
export interface RoleCredentials extends TemporaryCredentials {
  /** `arn:aws:sts::{account}:assumed-role/{role}/{session}`. */
  readonly assumedRoleArn: string;
}

/** Issues temporary credentials; who may have them is for the caller to decide. */
export interface CredentialsIssuer {
  /**
   * @param duration seconds.
   * @param identity for whom, when Amazon Cognito asks.
   */
  issue(roleName: string, sessionName: string, duration: number, identity?: CognitoIdentity): RoleCredentials;
  /** Temporary credentials of the account itself. @param duration seconds. */
  issueForAccount(duration: number): TemporaryCredentials;
  readonly lookup: CredentialsLookup;
}

interface Session {
  secretAccessKey: string;
  sessionToken: string;
  expiration: number;
  /** Undefined: the account's. */
  role?: { roleName: string; sessionName: string; identity?: CognitoIdentity };
}

const KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Keeps sessions in the store, so that credentials outlive a restart as long as they are valid. */
export function credentialsIssuer({ store, clock, accountId }: Base): CredentialsIssuer {
  const sessions = store.table<Session>('sts.sessions');
  const arnOf = (roleName: string, sessionName: string) =>
    `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`;

  function open(duration: number, role: Session['role']): TemporaryCredentials {
    const accessKeyId = `ASIA${Array.from(randomBytes(16), (byte) => KEY_ALPHABET[byte % 32]).join('')}`;
    const session: Session = {
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(192).toString('base64'),
      expiration: clock.now() + duration * 1000,
      ...(role ? { role } : {}),
    };
    store.transaction(() => {
      for (const [id, { expiration }] of sessions.entries()) {
        if (expiration < clock.now()) sessions.delete(id);
      }
      sessions.put(accessKeyId, session);
    });
    const { secretAccessKey, sessionToken, expiration } = session;
    return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(expiration) };
  }

  return {
    issue(roleName, sessionName, duration, identity) {
      const credentials = open(duration, { roleName, sessionName, ...(identity && { identity }) });
      return { ...credentials, assumedRoleArn: arnOf(roleName, sessionName) };
    },
    issueForAccount: (duration) => open(duration, undefined),
    lookup(accessKeyId) {
      const session = sessions.get(accessKeyId);
      if (!session) return undefined;
      const { role, ...credentials } = session;
      if (!role) return { ...credentials, principal: accountPrincipal(accountId) };
      return {
        ...credentials,
        principal: { kind: 'role', arn: arnOf(role.roleName, role.sessionName), ...role },
      };
    },
  };
}
