import type { Permission } from '../../authorization.js';
import type { Tables } from './tables.js';

type Input = Readonly<Record<string, unknown>>;

/** Actions of what a transaction is made of (service authorization reference of DynamoDB). */
const TRANSACTED = { Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', Get: 'GetItem' };

/** What operations need: their own action on each table or index that they name. */
export function permissions(tables: Tables, operation: string, input: Input): Permission[] | undefined {
  const on = (table: unknown, action = operation): Permission => ({
    action: `dynamodb:${action}`,
    resource: tables.arnOf(String(table)),
  });
  if (operation === 'TransactWriteItems' || operation === 'TransactGetItems') {
    return entriesOf(input.TransactItems).flatMap((item) =>
      Object.entries(item).map(([kind, part]) => {
        const action = kind === 'ConditionCheck' ? 'ConditionCheckItem' : TRANSACTED[kind as 'Put'];
        return on((part as Input).TableName, action);
      }),
    );
  }
  if (operation === 'BatchGetItem' || operation === 'BatchWriteItem') {
    return Object.keys(input.RequestItems ?? {}).map((table) => on(table));
  }
  if (input.ResourceArn !== undefined) return [on(input.ResourceArn)];
  if (input.TableName === undefined) return undefined;
  const { action, resource } = on(input.TableName);
  const index = input.IndexName === undefined ? '' : `/index/${String(input.IndexName)}`;
  return [{ action, resource: resource + index }];
}

function entriesOf(list: unknown): Input[] {
  return Array.isArray(list) ? list : [];
}
