import type * as sdk from '@aws-sdk/client-iam';
import type { Operations } from '../../service.js';
import { noSuchEntity } from './errors.js';
import { encoded, page } from './paging.js';
import type { Roles } from './roles.js';

/** Inline policies of roles, and managed policies attached to them. */
export function rolePolicyOperations(roles: Roles): Operations<typeof sdk> {
  return {
    PutRolePolicy({ RoleName = '', PolicyName = '', PolicyDocument = '' }) {
      roles.putInlinePolicy(RoleName, PolicyName, PolicyDocument);
      return {};
    },
    GetRolePolicy({ RoleName = '', PolicyName = '' }) {
      const document = roles.get(RoleName).inlinePolicies[PolicyName];
      if (document === undefined) {
        throw noSuchEntity(`The role policy with name ${PolicyName} cannot be found.`);
      }
      return { RoleName, PolicyName, PolicyDocument: encoded(document) };
    },
    ListRolePolicies({ RoleName = '', Marker, MaxItems }) {
      const names = Object.keys(roles.get(RoleName).inlinePolicies).sort();
      const { items, ...rest } = page(names, (name) => name, { Marker, MaxItems });
      return { PolicyNames: items, ...rest };
    },
    DeleteRolePolicy({ RoleName = '', PolicyName = '' }) {
      roles.deleteInlinePolicy(RoleName, PolicyName);
      return {};
    },
    AttachRolePolicy({ RoleName = '', PolicyArn = '' }) {
      roles.attach(RoleName, PolicyArn);
      return {};
    },
    DetachRolePolicy({ RoleName = '', PolicyArn = '' }) {
      roles.detach(RoleName, PolicyArn);
      return {};
    },
    ListAttachedRolePolicies({ RoleName = '', PathPrefix = '/', Marker, MaxItems }) {
      const attached = roles
        .get(RoleName)
        .attachedPolicies.map((arn) => ({ PolicyArn: arn, PolicyName: arn.slice(arn.lastIndexOf('/') + 1) }))
        .filter(({ PolicyArn }) => PolicyArn.replace(/^[^/]*/, '').startsWith(PathPrefix))
        .sort((a, b) => (a.PolicyName < b.PolicyName ? -1 : 1));
      const { items, ...rest } = page(attached, ({ PolicyName }) => PolicyName, { Marker, MaxItems });
      return { AttachedPolicies: items, ...rest };
    },
  };
}
