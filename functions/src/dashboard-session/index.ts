import {
  CognitoIdentityClient,
  GetIdCommand,
  InvalidParameterException,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity';
import { AttachPolicyCommand, IoTClient } from '@aws-sdk/client-iot';
import { names, SessionRequest } from '@mooring/contracts';
import { route, urlHandler } from '../api/router.js';
import { required } from '../environment.js';
import { jsonLog } from '../rotation/log.js';
import { openSession, RefusedTokenError, type SessionPorts } from './session.js';

const cognito = new CognitoIdentityClient({});
const iot = new IoTClient({ retryMode: 'adaptive', maxAttempts: 5 });

const ports: SessionPorts = {
  async identityOf(idToken, abortSignal) {
    const command = new GetIdCommand({
      IdentityPoolId: required('IDENTITY_POOL_ID'),
      Logins: { [required('LOGIN_PROVIDER')]: idToken },
    });
    try {
      const { IdentityId = '' } = await cognito.send(command, { abortSignal });
      return IdentityId;
    } catch (error) {
      // Amazon Cognito says so of a token that is expired, forged or of another pool, and of what is no token at all.
      if (error instanceof NotAuthorizedException || error instanceof InvalidParameterException) {
        throw new RefusedTokenError(error.message, { cause: error });
      }
      throw error;
    }
  },
  async attachPolicy(target, abortSignal) {
    await iot.send(new AttachPolicyCommand({ policyName: names.dashboardPolicy, target }), { abortSignal });
  },
  log: jsonLog((line) => console.info(line)),
};

/**
 * The Lambda handler behind the function's URL that lets visitors who signed in use AWS IoT. `IDENTITY_POOL_ID` is the
 * identity pool, `LOGIN_PROVIDER` the user pool's name as a login of it.
 */
export const handler = urlHandler(
  [route('POST', '/session', ({ body, signal }) => openSession(body(SessionRequest).idToken, ports, signal))],
  ports.log,
  10_000,
);
