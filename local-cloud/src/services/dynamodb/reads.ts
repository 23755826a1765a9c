import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Range } from '../../store/store.js';
import { consumed, readUnits } from './capacity.js';
import { invalidValues, validation } from './errors.js';
import type { Condition } from './expressions/condition.js';
import { matches } from './expressions/matching.js';
import { type Projection, projected } from './expressions/projection.js';
import type { Items } from './items.js';
import { hasType, indexPosition, itemPosition, keyNames, keyOf } from './keys.js';
import { type IndexRecord, indexOf, namesOf, type TableRecord } from './tables.js';
import { checkedItem, type GivenItem } from './values/checked.js';
import { type Item, itemSize } from './values/value.js';

/** Bytes that a query or scan looks at in one call. */
const PAGE_BYTES = 1024 * 1024;

/** The members that Query and Scan have in common. */
export interface ReadInput {
  readonly IndexName?: string | undefined;
  readonly Select?: string | undefined;
  readonly Limit?: number | undefined;
  readonly ConsistentRead?: boolean | undefined;
  readonly ExclusiveStartKey?: Readonly<Record<string, AttributeValue>> | undefined;
  readonly ReturnConsumedCapacity?: string | undefined;
  readonly ProjectionExpression?: string | undefined;
  readonly AttributesToGet?: readonly string[] | undefined;
}

/** Where a query or scan reads, and what it takes of it. */
export interface Reading {
  readonly range: Range;
  /** Undefined for an item that is not looked at, `end` when no more will be. */
  readonly within: (position: string, item: Item) => boolean | 'end';
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
}

/** The index that a request names. @throws AwsError `ValidationException` */
export function requestIndex(table: TableRecord, input: ReadInput): IndexRecord | undefined {
  if (input.Limit !== undefined && input.Limit < 1) {
    throw validation(
      `1 validation error detected: Value '${input.Limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    );
  }
  if (input.IndexName === undefined) return undefined;
  const index = indexOf(table, input.IndexName);
  if (index.global && input.ConsistentRead) {
    throw validation('Consistent reads are not supported on global secondary indexes');
  }
  return index;
}

/** The position behind which a request goes on reading. @throws AwsError `ValidationException` */
export function startAfter(
  table: TableRecord,
  index: IndexRecord | undefined,
  given: GivenItem | undefined,
): string | undefined {
  if (!given) return undefined;
  const start = checkedItem(given);
  const names = keyNames(table, index);
  const fits = names.every((name) => {
    const value = start[name];
    return value && hasType(value, table.attributes[name]);
  });
  if (!fits || Object.keys(start).length !== names.length) {
    throw validation(
      index
        ? 'The provided starting key is invalid'
        : 'The provided starting key is invalid: The provided key element does not match the schema',
    );
  }
  return index ? indexPosition(table, index, start) : itemPosition(table, start);
}

/** Reads one page of a table or index. */
export function readPage(
  items: Items,
  table: TableRecord,
  index: IndexRecord | undefined,
  input: ReadInput,
  { range, within, filter, projection }: Reading,
) {
  const part = selection(table, index, input, projection);
  const found: Item[] = [];
  let scanned = 0;
  let bytes = 0;
  let last: Item | undefined;
  let more = false;
  for (const [position, item] of items.entries(table, index, range)) {
    const inside = within(position, item);
    if (inside === 'end') break;
    if (!inside) continue;
    const visible = part.visible(item);
    scanned += 1;
    bytes += itemSize(visible);
    last = item;
    if (!filter || matches(filter, visible)) found.push(projected(visible, part.projection));
    more = scanned === input.Limit || bytes >= PAGE_BYTES;
    if (more) break;
  }
  return {
    ...(input.Select !== 'COUNT' && { Items: found }),
    Count: found.length,
    ScannedCount: scanned,
    ...(more && last && { LastEvaluatedKey: keyOf(table, index, last) }),
    ...consumed(input.ReturnConsumedCapacity, table.name, readUnits(bytes, input.ConsistentRead)),
  };
}

/** What of an item the reader of an index sees, and what of that is answered. */
function selection(
  table: TableRecord,
  index: IndexRecord | undefined,
  input: ReadInput,
  projection: Projection | undefined,
): { visible: (item: Item) => Item; projection: Projection | undefined } {
  const { Select: select } = input;
  if (projection && select !== undefined && select !== 'SPECIFIC_ATTRIBUTES') {
    throw validation(
      `Cannot specify the ${input.AttributesToGet ? 'AttributesToGet' : 'ProjectionExpression'} when choosing to get ${select === 'COUNT' ? 'only the Count' : select}`,
    );
  }
  if (!projection && select === 'SPECIFIC_ATTRIBUTES') {
    throw validation(
      'Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
    );
  }
  if (!index && select === 'ALL_PROJECTED_ATTRIBUTES') {
    throw validation('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  }
  if (!index || index.projection === 'ALL') return { visible: (item) => item, projection };
  const names = [...keyNames(table, index), ...(index.nonKeyAttributes ?? [])];
  const paths = names.map((name) => [name] as const);
  const missing = (projection ?? []).map(([name]) => name).filter((name) => !names.includes(name));
  if (index.global && select === 'ALL_ATTRIBUTES') {
    throw invalidValues(
      `Select type ALL_ATTRIBUTES is not supported for global secondary index ${index.name} because its projection type is not ALL`,
    );
  }
  if (index.global && missing.length > 0) {
    throw invalidValues(`Global secondary index ${index.name} does not project [${missing.join(', ')}]`);
  }
  // A local index fetches from the table what it does not have.
  if (!index.global && (select === 'ALL_ATTRIBUTES' || missing.length > 0)) {
    return { visible: (item) => item, projection };
  }
  return { visible: (item) => projected(item, paths), projection };
}

/** Names of the attributes that a filter must leave to the key condition. @throws AwsError */
export function checkFilterNames(
  table: TableRecord,
  index: IndexRecord | undefined,
  names: Iterable<string>,
): void {
  const keys = namesOf((index ?? table).key);
  for (const name of names) {
    if (keys.includes(name)) {
      throw validation(
        `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${name}`,
      );
    }
  }
}
