import * as sdk from '@aws-sdk/client-dynamodb';
import { roleAuthorization } from '../../authorization.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson } from '../../protocol/protocols.js';
import { defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { permissions } from './access.js';
import { accountOperations } from './account-operations.js';
import { batchOperations } from './batch-operations.js';
import { continuousBackupOperations } from './continuous-backups.js';
import { itemOperations } from './item-operations.js';
import type { ItemWriter } from './item-writer.js';
import { Items } from './items.js';
import { readOperations } from './read-operations.js';
import { tableOperations } from './table-operations.js';
import { tableType } from './table-type.js';
import { Tables } from './tables.js';
import { tagOperations } from './tag-operations.js';
import { expiry, timeToLiveOperations } from './time-to-live.js';
import { transactionOperations } from './transaction-operations.js';
import { Writes } from './writes.js';

/** Amazon DynamoDB: tables and items; other services write through its `writer`. */
export function dynamoDb(
  base: Base,
  { roles }: { readonly roles: RoleAuthority },
): Plugin & { readonly writer: ItemWriter } {
  const { store, clock } = base;
  const tables = new Tables(store, base);
  const items = new Items(store, tables);
  const writes = new Writes(items);
  const tableHandling = tableOperations(tables, items, clock);
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'dynamodb',
    scopes: ['dynamodb'],
    model,
    protocol: awsJson(model, '1.0'),
    authorize: roleAuthorization({
      prefix: 'dynamodb',
      roles,
      clock,
      permission: (operation, input) => permissions(tables, operation, input),
    }),
    operations: {
      ...tableHandling.operations,
      ...itemOperations(tables, items, writes),
      ...readOperations(tables, items),
      ...batchOperations(tables, items, writes),
      ...transactionOperations(tables, items, writes, () => clock.now()),
      ...timeToLiveOperations(tables, items),
      ...tagOperations(tables),
      ...continuousBackupOperations(tables, () => clock.now()),
      ...accountOperations(),
    },
  });
  const expiring = expiry(items, clock);
  return {
    services: [service],
    resourceTypes: [tableType(tables, items, tableHandling, () => clock.now())],
    close: async () => expiring.close(),
    writer: {
      async put(tableName, item) {
        const write = writes.put(tables.existing(tableName), item);
        store.transaction(() => write.run());
      },
    },
  };
}
