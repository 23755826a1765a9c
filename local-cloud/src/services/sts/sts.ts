import * as sdk from '@aws-sdk/client-sts';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsQuery } from '../../protocol/protocols.js';
import { defineService, type Principal } from '../../service.js';

/** AWS Security Token Service: who calls. */
export function sts({ accountId }: Base): Plugin {
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'sts',
    scopes: ['sts'],
    model,
    protocol: awsQuery(model, 'https://sts.amazonaws.com/doc/2011-06-15/'),
    operations: {
      GetCallerIdentity: (_input, { principal }) => ({
        Account: accountId,
        Arn: principal.arn,
        UserId: userId(principal, accountId),
      }),
    },
  });
  return { services: [service] };
}

function userId(principal: Principal, accountId: string): string {
  return principal.kind === 'role' ? `AROA:${principal.sessionName}` : accountId;
}
