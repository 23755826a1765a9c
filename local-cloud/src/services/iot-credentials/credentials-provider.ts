import { randomUUID } from 'node:crypto';
import type { HttpResponse } from '../../http/messages.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { DeviceAccess } from '../iot/authorization/device-access.js';
import type { DevicePath } from '../iot/devices/https-listener.js';
import type { IotRegistry } from '../iot/iot.js';
import type { CredentialsIssuer } from '../sts/issuer.js';

const PREFIX = '/role-aliases/';
/** The name of a role alias has no characters that a path would encode but `=`, `,` and `@`. */
const PATH = /^\/role-aliases\/((?:[\w=,@-]|%3D|%2C|%40)+)\/credentials$/i;
const SERVICE = 'credentials.iot.amazonaws.com';

export interface CredentialsProviderCapabilities {
  readonly access: DeviceAccess;
  readonly registry: IotRegistry;
  readonly issuer: CredentialsIssuer;
  /** Tells whether the role exists and trusts the provider; without it every role is taken to do both. */
  readonly roles?: RoleDirectory | undefined;
}

/**
 * The AWS IoT credentials provider: temporary credentials of a role for a device's certificate (AWS IoT developer
 * guide, "Authorizing direct calls to AWS services using AWS IoT Core credential provider").
 */
export function credentialsProvider(capabilities: CredentialsProviderCapabilities): DevicePath {
  const { access, registry, issuer, roles } = capabilities;
  return {
    prefix: PREFIX,
    async handle(request, peer) {
      const alias = PATH.exec(request.path)?.[1];
      if (alias === undefined || request.method !== 'GET') return answer(404, { message: 'Not Found' });
      const { principal } = peer;
      const roleAlias = registry.roleAlias(decodeURIComponent(alias));
      if (!roleAlias) return answer(404, { message: 'Role alias does not exist' });
      if (principal.kind !== 'certificate') return denied();
      const thingName = request.headers['x-amzn-iot-thingname'];
      if (thingName !== undefined && !registry.isAttached(thingName, principal.arn)) {
        return answer(404, { message: 'Invalid thing name passed' });
      }
      const { roleArn } = roleAlias;
      if (!access.allows(peer, 'iot:AssumeRoleWithCertificate', `rolealias/${roleAlias.roleAlias}`)) {
        return denied();
      }
      const role = roles?.byArn(roleArn);
      if (roles && (!role || !roles.trusts(roleArn, SERVICE))) return denied();
      const roleName = role?.roleName ?? roleArn.slice(roleArn.lastIndexOf('/') + 1);
      const duration = Math.min(roleAlias.credentialDurationSeconds, role?.maxSessionDuration ?? 43_200);
      const issued = issuer.issue(roleName, principal.certificateId, duration);
      return answer(200, {
        credentials: {
          accessKeyId: issued.accessKeyId,
          secretAccessKey: issued.secretAccessKey,
          sessionToken: issued.sessionToken,
          expiration: issued.expiration.toISOString().replace(/\.\d+Z$/, 'Z'),
        },
      });
    },
  };
}

function denied(): HttpResponse {
  return answer(403, { message: 'Access Denied' });
}

function answer(status: number, body: object): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID() },
    body: JSON.stringify(body),
  };
}
