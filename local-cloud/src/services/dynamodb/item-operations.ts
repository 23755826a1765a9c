import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Operations } from '../../service.js';
import { consumed, readUnits, writeUnits } from './capacity.js';
import { notBuilt, validation } from './errors.js';
import { valueAt } from './expressions/path.js';
import { Placeholders } from './expressions/placeholders.js';
import { type Projection, parseProjection, projected } from './expressions/projection.js';
import type { Change } from './expressions/update.js';
import type { Items } from './items.js';
import { checkedKey } from './keys.js';
import { checkNotMixed, legacyProjection } from './legacy.js';
import type { TableRecord, Tables } from './tables.js';
import { checkedItem } from './values/checked.js';
import { type Item, itemSize } from './values/value.js';
import type { Write, Writes } from './writes.js';

/** Operations on single items. */
export function itemOperations(tables: Tables, items: Items, writes: Writes): Operations<typeof sdk> {
  const run = (write: Write) => items.store.transaction(() => write.run());

  return {
    PutItem(input) {
      const table = tables.existing(input.TableName);
      const wanted = returnValues(input.ReturnValues, ['NONE', 'ALL_OLD']);
      refuseMetrics(table, input.ReturnItemCollectionMetrics);
      const { before, after } = run(writes.put(table, input.Item ?? {}, { ...input }));
      return {
        ...(wanted === 'ALL_OLD' && before && { Attributes: before }),
        ...consumed(input.ReturnConsumedCapacity, table.name, writeUnits(before, after)),
      };
    },
    GetItem(input) {
      const table = tables.existing(input.TableName);
      const projection = requestProjection(input);
      const key = checkedKey(table, checkedItem(input.Key ?? {}));
      const item = items.get(table, key);
      const units = readUnits(item ? itemSize(item) : 0, input.ConsistentRead);
      return {
        ...(item && { Item: projected(item, projection) }),
        ...consumed(input.ReturnConsumedCapacity, table.name, units),
      };
    },
    UpdateItem(input) {
      const table = tables.existing(input.TableName);
      const wanted = returnValues(input.ReturnValues, [
        ...['NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'],
      ]);
      refuseMetrics(table, input.ReturnItemCollectionMetrics);
      const write = writes.update(table, input.Key ?? {}, { ...input });
      const { before, after } = run(write);
      const source = wanted.endsWith('OLD') ? before : after;
      const attributes = source && (wanted.startsWith('ALL') ? source : changedParts(source, write.changes));
      return {
        ...(wanted !== 'NONE' && attributes && { Attributes: attributes }),
        ...consumed(input.ReturnConsumedCapacity, table.name, writeUnits(before, after)),
      };
    },
    DeleteItem(input) {
      const table = tables.existing(input.TableName);
      const wanted = returnValues(input.ReturnValues, ['NONE', 'ALL_OLD']);
      refuseMetrics(table, input.ReturnItemCollectionMetrics);
      const { before } = run(writes.delete(table, input.Key ?? {}, { ...input }));
      return {
        ...(wanted === 'ALL_OLD' && before && { Attributes: before }),
        ...consumed(input.ReturnConsumedCapacity, table.name, writeUnits(before, undefined)),
      };
    },
  };
}

/** What part of items a request wants. @throws AwsError `ValidationException` */
export function requestProjection(input: {
  readonly ProjectionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly AttributesToGet?: readonly string[] | undefined;
}): Projection | undefined {
  checkNotMixed({ ...input }, ['ProjectionExpression'], ['AttributesToGet']);
  const { ProjectionExpression: text } = input;
  const placeholders = new Placeholders(input.ExpressionAttributeNames, undefined, {
    ProjectionExpression: text,
  });
  const projection = text === undefined ? legacyProjection(input) : parseProjection(text, placeholders);
  placeholders.checkAllUsed();
  return projection;
}

function returnValues(given: string | undefined, allowed: readonly string[]): string {
  const wanted = given ?? 'NONE';
  if (allowed.includes(wanted)) return wanted;
  throw validation(
    allowed.length > 2
      ? `1 validation error detected: Value '${wanted}' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]`
      : 'Return values set to invalid value',
  );
}

/** Sizes of item collections, which tables with local indexes alone have, are not counted. */
export function refuseMetrics({ indexes }: TableRecord, wanted: string | undefined): void {
  if (wanted === 'SIZE' && indexes.some(({ global }) => !global))
    throw notBuilt('ReturnItemCollectionMetrics');
}

/** The parts of an item that an update named; undefined for none. */
function changedParts(item: Item, changes: readonly Change[]): Item | undefined {
  const paths = changes.map(({ path }) => path).filter((path) => valueAt(item, path) !== undefined);
  return paths.length > 0 ? projected(item, paths) : undefined;
}
