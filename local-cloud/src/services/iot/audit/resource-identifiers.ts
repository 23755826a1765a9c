import type { ResourceIdentifier } from '@aws-sdk/client-iot';
import { invalid } from '../errors.js';
import { type CheckName, checkOf } from './catalog.js';

/**
 * A resource's name that is the same for every way to identify it.
 *
 * @throws InvalidRequestException unless the identifier has exactly one member.
 */
export function identityOf(identifier: ResourceIdentifier | undefined): string {
  const { deviceCertificateArn, ...rest } = identifier ?? {};
  const given = Object.entries(
    deviceCertificateArn === undefined
      ? rest
      : {
          ...rest,
          deviceCertificateId: deviceCertificateArn.slice(deviceCertificateArn.lastIndexOf('/') + 1),
        },
  ).filter(([, value]) => value !== undefined);
  const [first] = given;
  if (!first || given.length > 1 || (deviceCertificateArn !== undefined && rest.deviceCertificateId)) {
    throw invalid('A resource identifier must have exactly one member.');
  }
  const [member, value] = first;
  // The members of those that have some in the order of their names.
  const text = typeof value === 'string' ? value : JSON.stringify(Object.entries(value ?? {}).sort());
  return `${member}=${text}`;
}

/** @throws InvalidRequestException unless the identifier is of the resources that the check is about. */
export function identityFor(name: CheckName, identifier: ResourceIdentifier | undefined): string {
  const identity = identityOf(identifier);
  const { identifiedBy } = checkOf(name);
  if (identity.startsWith(`${identifiedBy}=`)) return identity;
  throw invalid(`The resources of ${name} are identified by ${identifiedBy}.`);
}
