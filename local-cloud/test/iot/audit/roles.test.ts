import { expect, it } from 'vitest';
import { iotArns } from '../../../src/services/iot/arns.js';
import { type AuditRoles, ServiceRoles } from '../../../src/services/iot/audit/roles.js';

const ROLE = 'arn:aws:iam::000000000000:role/auditor';
const NEEDS = ['iot:ListCertificates', 'iot:DescribeCertificate'];

/** A role that allows each of these actions on these resources. */
function roleOf(allowed: Readonly<Record<string, RegExp>>): ServiceRoles {
  const roles: AuditRoles = {
    byArn: () => ({ roleName: 'auditor' }),
    trusts: () => true,
    decide: (_role, { action, resource }) =>
      allowed[action]?.test(resource) === true ? 'allowed' : 'implicitDeny',
  };
  return new ServiceRoles(roles, iotArns({ region: 'eu-central-1', accountId: '000000000000' }));
}

it('asks for an action on the resources that it is about, and on * when there are none', () => {
  const certificates = /^arn:aws:iot:eu-central-1:000000000000:cert\//;
  const listing = { 'iot:ListCertificates': /^\*$/ };
  expect(
    roleOf({ ...listing, 'iot:DescribeCertificate': certificates }).missing(ROLE, NEEDS),
  ).toBeUndefined();
  expect(roleOf({ ...listing, 'iot:DescribeCertificate': /thing/ }).missing(ROLE, NEEDS)).toBe(
    `the role ${ROLE} does not allow iot:DescribeCertificate on arn:aws:iot:eu-central-1:000000000000:cert/*`,
  );
  expect(roleOf({ 'iot:DescribeCertificate': certificates }).missing(ROLE, NEEDS)).toBe(
    `the role ${ROLE} does not allow iot:ListCertificates on *`,
  );
});
