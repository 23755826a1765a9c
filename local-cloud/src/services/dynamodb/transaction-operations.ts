import { createHash } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-dynamodb';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { AwsError } from '../../errors.js';
import type { Operations } from '../../service.js';
import { consumedByTable, readUnits, writeUnits } from './capacity.js';
import { tokenReused, transactionCanceled, validation } from './errors.js';
import { projected } from './expressions/projection.js';
import { refuseMetrics, requestProjection } from './item-operations.js';
import type { Items } from './items.js';
import { checkedKey, itemPosition } from './keys.js';
import type { Tables } from './tables.js';
import { checkedItem } from './values/checked.js';
import { itemSize } from './values/value.js';
import type { Write, Writes } from './writes.js';

const MOST_ACTIONS = 100;
/** How long a client's token names one transaction, in milliseconds. */
const TOKEN_LIFE = 10 * 60 * 1000;

interface UsedToken {
  readonly request: string;
  readonly until: number;
}

/** TransactWriteItems and TransactGetItems; a write is one transaction of the store. */
export function transactionOperations(
  tables: Tables,
  items: Items,
  writes: Writes,
  now: () => number,
): Operations<typeof sdk> {
  const tokens = items.store.table<UsedToken>('dynamodb.tokens');

  /** Whether the transaction was done before. @throws IdempotentParameterMismatchException */
  function wasDone(token: string | undefined, request: string): boolean {
    if (token === undefined) return false;
    const used = tokens.get(token);
    if (!used || used.until <= now()) return false;
    if (used.request !== request) throw tokenReused();
    return true;
  }

  let cleared = now();

  function remember(token: string, request: string): void {
    tokens.put(token, { request, until: now() + TOKEN_LIFE });
    if (cleared + TOKEN_LIFE > now()) return;
    // SDKs send a token with every transaction, so they are looked through now and then only.
    cleared = now();
    const gone = [...tokens.entries()].filter(([, { until }]) => until <= now());
    for (const [name] of gone) tokens.delete(name);
  }

  function write({ Put, Update, Delete, ConditionCheck, ...others }: sdk.TransactWriteItem): Write {
    const actions = [Put, Update, Delete, ConditionCheck].filter((action) => action !== undefined);
    if (actions.length !== 1 || Object.keys(others).length > 0) {
      throw validation('TransactItems can only contain one of Check, Put, Update or Delete');
    }
    if (Put) return writes.put(tables.existing(Put.TableName), Put.Item ?? {}, { ...Put });
    if (Update) return writes.update(tables.existing(Update.TableName), Update.Key ?? {}, { ...Update });
    if (Delete) return writes.delete(tables.existing(Delete.TableName), Delete.Key ?? {}, { ...Delete });
    return writes.check(tables.existing(ConditionCheck?.TableName), ConditionCheck?.Key ?? {}, {
      ...ConditionCheck,
    });
  }

  return {
    TransactWriteItems(input) {
      const { TransactItems = [], ClientRequestToken: token, ReturnConsumedCapacity: wanted } = input;
      checkCount(TransactItems);
      const request = createHash('sha256').update(JSON.stringify(TransactItems)).digest('hex');
      if (wasDone(token, request)) return {};
      const all = TransactItems.map(write);
      for (const { table } of all) refuseMetrics(table, input.ReturnItemCollectionMetrics);
      checkDistinct(all);
      const units = new Map<string, number>();
      items.store.transaction(() => {
        const reasons = all.map(({ table, run }): sdk.CancellationReason => {
          try {
            const { before, after } = run();
            // Twice what a single write takes.
            units.set(table.name, (units.get(table.name) ?? 0) + 2 * writeUnits(before, after));
            return { Code: 'None' };
          } catch (error) {
            return reasonOf(error);
          }
        });
        // What was written before one that failed is undone.
        if (reasons.some(({ Code }) => Code !== 'None')) throw transactionCanceled(reasons);
        if (token !== undefined) remember(token, request);
      });
      return consumedByTable(wanted, units);
    },
    TransactGetItems({ TransactItems = [], ReturnConsumedCapacity }) {
      checkCount(TransactItems);
      const reads = TransactItems.map(({ Get }) => {
        const table = tables.existing(Get?.TableName);
        const key = checkedKey(table, checkedItem(Get?.Key ?? {}));
        return { table, key, projection: requestProjection(Get ?? {}) };
      });
      checkDistinct(reads);
      const units = new Map<string, number>();
      const Responses = reads.map(({ table, key, projection }) => {
        const item = items.get(table, key);
        const count = 2 * readUnits(item ? itemSize(item) : 0, true);
        units.set(table.name, (units.get(table.name) ?? 0) + count);
        return item ? { Item: projected(item, projection) } : {};
      });
      return { Responses, ...consumedByTable(ReturnConsumedCapacity, units) };
    },
  };
}

function checkCount(actions: readonly unknown[]): void {
  if (actions.length === 0 || actions.length > MOST_ACTIONS) {
    throw validation(
      `1 validation error detected: Value '[${actions.length} items]' at 'transactItems' failed to satisfy constraint: Member must have length ${actions.length === 0 ? 'greater than or equal to 1' : 'less than or equal to 100'}`,
    );
  }
}

function checkDistinct(all: readonly Pick<Write, 'table' | 'key'>[]): void {
  const positions = new Set(all.map(({ table, key }) => `${table.id} ${itemPosition(table, key)}`));
  if (positions.size < all.length) {
    throw validation('Transaction request cannot include multiple operations on one item');
  }
}

/** Why an action cancels the transaction. */
function reasonOf(error: unknown): sdk.CancellationReason {
  if (error instanceof ConditionalCheckFailedException) {
    const { message, Item } = error;
    return { Code: 'ConditionalCheckFailed', Message: message, ...(Item && { Item }) };
  }
  if (error instanceof AwsError && error.code === 'ValidationException') {
    return { Code: 'ValidationError', Message: error.message };
  }
  throw error;
}
