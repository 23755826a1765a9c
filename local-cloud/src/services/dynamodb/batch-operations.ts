import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Operations } from '../../service.js';
import { consumedByTable, readUnits, writeUnits } from './capacity.js';
import { validation } from './errors.js';
import { projected } from './expressions/projection.js';
import { refuseMetrics, requestProjection } from './item-operations.js';
import type { Items } from './items.js';
import { checkedKey, itemPosition } from './keys.js';
import type { Tables } from './tables.js';
import { checkedItem, type GivenItem } from './values/checked.js';
import { type Item, itemSize } from './values/value.js';
import type { Write, Writes } from './writes.js';

const MOST_WRITES = 25;
const MOST_READS = 100;
/** Bytes that a batch of reads answers with. */
const MOST_BYTES = 16 * 1024 * 1024;

type Unprocessed = NonNullable<sdk.BatchGetItemCommandOutput['UnprocessedKeys']>;

/** BatchWriteItem and BatchGetItem. */
export function batchOperations(tables: Tables, items: Items, writes: Writes): Operations<typeof sdk> {
  return {
    BatchWriteItem(input) {
      const requests = Object.entries(input.RequestItems ?? {});
      checkCount(
        'BatchWriteItem',
        requests.map(([, list]) => list.length),
        MOST_WRITES,
      );
      const all = requests.flatMap(([name, list]) => {
        const table = tables.existing(name);
        refuseMetrics(table, input.ReturnItemCollectionMetrics);
        const batch = list.map(({ PutRequest, DeleteRequest }): Write => {
          if (PutRequest && !DeleteRequest) return writes.put(table, PutRequest.Item ?? {});
          if (DeleteRequest && !PutRequest) return writes.delete(table, DeleteRequest.Key ?? {});
          throw validation('Supplied WriteRequest must have exactly one of PutRequest and DeleteRequest');
        });
        checkDistinct(batch.map(({ key }) => itemPosition(table, key)));
        return batch;
      });
      const units = new Map<string, number>();
      items.store.transaction(() => {
        for (const write of all) {
          const { before, after } = write.run();
          const { name } = write.table;
          units.set(name, (units.get(name) ?? 0) + writeUnits(before, after));
        }
      });
      return { UnprocessedItems: {}, ...consumedByTable(input.ReturnConsumedCapacity, units) };
    },
    BatchGetItem(input) {
      const requests = Object.entries(input.RequestItems ?? {});
      checkCount(
        'BatchGetItem',
        requests.map(([, { Keys = [] }]) => Keys.length),
        MOST_READS,
      );
      const Responses: Record<string, Item[]> = {};
      const UnprocessedKeys: Unprocessed = {};
      const units = new Map<string, number>();
      let bytes = 0;
      const read = requests.map(([name, request]) => {
        const table = tables.existing(name);
        const keys = (request.Keys ?? []).map((key) => checkedKey(table, checkedItem(key as GivenItem)));
        checkDistinct(keys.map((key) => itemPosition(table, key)));
        return { name, table, keys, request, projection: requestProjection(request) };
      });
      for (const { name, table, keys, request, projection } of read) {
        const found: Item[] = [];
        const left: Item[] = [];
        for (const key of keys) {
          const item = bytes < MOST_BYTES ? items.get(table, key) : undefined;
          const size = item ? itemSize(item) : 0;
          if (bytes >= MOST_BYTES || bytes + size > MOST_BYTES) {
            left.push(key);
            continue;
          }
          bytes += size;
          units.set(table.name, (units.get(table.name) ?? 0) + readUnits(size, request.ConsistentRead));
          if (item) found.push(projected(item, projection));
        }
        Responses[name] = found;
        if (left.length > 0) UnprocessedKeys[name] = { ...request, Keys: left };
      }
      return { Responses, UnprocessedKeys, ...consumedByTable(input.ReturnConsumedCapacity, units) };
    },
  };
}

function checkCount(operation: string, counts: readonly number[], most: number): void {
  if (counts.length === 0 || counts.includes(0)) {
    throw validation(
      `1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    );
  }
  if (counts.reduce((total, count) => total + count) > most) {
    throw validation(`Too many items requested for the ${operation} call`);
  }
}

function checkDistinct(positions: readonly string[]): void {
  if (new Set(positions).size < positions.length) {
    throw validation('Provided list of item keys contains duplicates');
  }
}
