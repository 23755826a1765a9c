import type { RoleAuthority } from '../../iam/role-authority.js';
import type { IotArns } from '../arns.js';
import type { Peer } from '../devices/peer.js';
import type { PermissionSource } from './permissions.js';

/** Decides what callers of HTTPS endpoints for devices may do. */
export interface DeviceAccess {
  /**
   * Whether a caller may do something: certificates by their IoT policies, roles by their IAM policies, the
   * account everything. Thing policy variables have no value, as AWS IoT gives them one over MQTT only.
   *
   * @param resource an ARN, or what stands behind the account in an ARN of AWS IoT, such as `topic/a`.
   */
  allows(
    peer: Pick<Peer, 'principal' | 'sourceIp' | 'domainName'>,
    action: string,
    resource: string,
  ): boolean;
}

export function deviceAccess(
  arns: IotArns,
  source: PermissionSource,
  roles: RoleAuthority | undefined,
): DeviceAccess {
  return {
    allows({ principal, sourceIp, domainName }, action, resource) {
      const arn = resource.startsWith('arn:') ? resource : arns.of(resource);
      switch (principal.kind) {
        case 'account':
          return true;
        case 'anonymous':
          return false;
        case 'role': {
          const context = new Map([['aws:sourceip', sourceIp]]);
          return roles?.decide(principal.roleName, { action, resource: arn, context }) === 'allowed';
        }
        case 'certificate': {
          const { certificateId } = principal;
          const { decide } = source.of({ certificateId, clientId: undefined, sourceIp, domainName });
          return decide(action, arn) === 'allowed';
        }
      }
    },
  };
}
