import { Role, type RoleArgs } from '@pulumi/aws-native/iam/index.js';
import type { Place } from './place.js';

/** A role that a service assumes, within the boundary that the account has for roles of this program. */
export function serviceRole({ permissionsBoundary }: Place, name: string, args: RoleArgs): Role {
  return new Role(name, { ...args, ...(permissionsBoundary !== undefined && { permissionsBoundary }) });
}
