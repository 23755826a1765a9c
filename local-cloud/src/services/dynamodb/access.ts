import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Permission } from '../../authorization.js';
import { parseCondition } from './expressions/condition-parser.js';
import { Placeholders } from './expressions/placeholders.js';
import { keyParts } from './key-condition.js';
import { legacyKeyParts } from './legacy.js';
import { indexOf, type Tables } from './tables.js';
import { checkedValue, type GivenItem } from './values/checked.js';
import { base64, type Value } from './values/value.js';

type Input = Readonly<Record<string, unknown>>;

/** Actions of what a transaction is made of (service authorization reference of DynamoDB). */
const TRANSACTED = { Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', Get: 'GetItem' };

/**
 * What operations need: their own action on each table or index that they name, with the partition key of each
 * item or query as condition key `dynamodb:LeadingKeys`.
 */
export function permissions(tables: Tables, operation: string, input: Input): Permission[] | undefined {
  const on = (table: unknown, action: string, context?: Permission['context']): Permission => ({
    action: `dynamodb:${action}`,
    resource: tables.arnOf(String(table)),
    ...(context && { context }),
  });
  const onItem = (table: unknown, action: string, item: unknown) =>
    on(
      table,
      action,
      leadingKey(() => partitionOf(tables, table, item)),
    );

  if (operation === 'TransactWriteItems' || operation === 'TransactGetItems') {
    return inputs(input.TransactItems).flatMap((item) =>
      Object.entries(item).map(([kind, given]) => {
        const part = given as Input;
        const action = kind === 'ConditionCheck' ? 'ConditionCheckItem' : TRANSACTED[kind as 'Put'];
        return onItem(part.TableName, action, part.Key ?? part.Item);
      }),
    );
  }
  if (operation === 'BatchGetItem') {
    const requests = Object.entries((input.RequestItems ?? {}) as Record<string, Input>);
    return requests.flatMap(([table, { Keys }]) => inputs(Keys).map((key) => onItem(table, operation, key)));
  }
  if (operation === 'BatchWriteItem') {
    return Object.entries(input.RequestItems ?? {}).flatMap(([table, list]) =>
      inputs(list).map(({ PutRequest, DeleteRequest }) => {
        const { Item, Key } = (PutRequest ?? DeleteRequest ?? {}) as Input;
        return onItem(table, operation, Item ?? Key);
      }),
    );
  }
  if (input.ResourceArn !== undefined) return [on(input.ResourceArn, operation)];
  const { TableName: table, IndexName: index } = input;
  if (table === undefined) return undefined;
  if (operation === 'Query') {
    const needed = on(
      table,
      operation,
      leadingKey(() => queried(tables, input)),
    );
    return [index === undefined ? needed : { ...needed, resource: `${needed.resource}/index/${index}` }];
  }
  if (index !== undefined) return [on(`${tables.arnOf(String(table))}/index/${index}`, operation)];
  return [onItem(table, operation, input.Key ?? input.Item)];
}

function inputs(list: unknown): Input[] {
  return Array.isArray(list) ? list : [];
}

/** The context of a partition key, where the request has one. */
function leadingKey(find: () => Value | undefined): Permission['context'] {
  let value: Value | undefined;
  try {
    value = find();
  } catch {
    // What is wrong with a request its operation says, to those who may call it.
  }
  if (!value) return undefined;
  const text = 'S' in value ? value.S : 'N' in value ? value.N : 'B' in value ? base64(value.B) : undefined;
  return text === undefined ? undefined : new Map([['dynamodb:leadingkeys', text]]);
}

function partitionOf(tables: Tables, tableName: unknown, item: unknown): Value | undefined {
  const name = tables.get(String(tableName))?.key.partition;
  const value = name === undefined ? undefined : (item as GivenItem | undefined)?.[name];
  return value && checkedValue(value);
}

function queried(tables: Tables, input: Input): Value | undefined {
  const query = input as unknown as QueryCommandInput;
  const { KeyConditionExpression: text, ExpressionAttributeNames: names } = query;
  const table = tables.existing(query.TableName);
  const { key } = query.IndexName === undefined ? table : indexOf(table, query.IndexName);
  const placeholders = new Placeholders(names, query.ExpressionAttributeValues, {
    KeyConditionExpression: text,
  });
  const parts =
    text === undefined
      ? legacyKeyParts(query)
      : keyParts(parseCondition('KeyConditionExpression', text, placeholders));
  return parts.find(({ name }) => name === key.partition)?.values[0];
}
