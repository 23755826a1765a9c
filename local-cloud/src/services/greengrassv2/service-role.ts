import type * as sdk from '@aws-sdk/client-greengrassv2';
import type { Base } from '../../plugin.js';
import { invalid, notFound } from './errors.js';

/** The role of the account that Greengrass may use; remembered, as nothing here acts with it. */
export function serviceRoleOperations({ store, clock }: Base) {
  const table = store.table<{ roleArn: string; associatedAt: number }>('greengrass.serviceRole');
  const NAME = 'role';
  const written = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

  return {
    AssociateServiceRoleToAccount({ roleArn = '' }: sdk.AssociateServiceRoleToAccountCommandInput) {
      if (!/^arn:aws:iam::\d{12}:role\/.+$/.test(roleArn))
        throw invalid(`${roleArn} is not the ARN of a role`);
      const associatedAt = clock.now();
      table.put(NAME, { roleArn, associatedAt });
      return { associatedAt: written(associatedAt) };
    },

    GetServiceRoleForAccount() {
      const role = table.get(NAME);
      if (!role) {
        throw notFound('You need to attach an IAM role to this account.', 'ServiceRole', 'serviceRole');
      }
      return { roleArn: role.roleArn, associatedAt: written(role.associatedAt) };
    },

    DisassociateServiceRoleFromAccount() {
      table.delete(NAME);
      return { disassociatedAt: written(clock.now()) };
    },
  };
}
