import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { type Item, itemSize } from './values/value.js';

const READ_UNIT = 4096;
const WRITE_UNIT = 1024;

/** Read units of so many bytes (developer guide, "DynamoDB read and write operations"). */
export function readUnits(bytes: number, consistent = false): number {
  return (Math.max(Math.ceil(bytes / READ_UNIT), 1) * (consistent ? 2 : 1)) / 2;
}

/** Write units of an item that takes another's place: those of the larger. */
export function writeUnits(before: Item | undefined, after: Item | undefined): number {
  const bytes = Math.max(before ? itemSize(before) : 0, after ? itemSize(after) : 0);
  return Math.max(Math.ceil(bytes / WRITE_UNIT), 1);
}

/** What a call consumed, when it asked to be told; the share of each index is not counted apart. */
export function consumed(
  wanted: string | undefined,
  TableName: string,
  units: number,
): { ConsumedCapacity?: ConsumedCapacity } {
  if (wanted !== 'TOTAL' && wanted !== 'INDEXES') return {};
  const Table = wanted === 'INDEXES' ? { Table: { CapacityUnits: units } } : {};
  return { ConsumedCapacity: { TableName, CapacityUnits: units, ...Table } };
}

/** The same of a call on several tables. @param units by the tables' names. */
export function consumedByTable(
  wanted: string | undefined,
  units: ReadonlyMap<string, number>,
): { ConsumedCapacity?: ConsumedCapacity[] } {
  const all = [...units].flatMap(([name, count]) => consumed(wanted, name, count).ConsumedCapacity ?? []);
  return all.length > 0 ? { ConsumedCapacity: all } : {};
}
