import { createHash } from 'node:crypto';
import { key as compoundKey } from '../../store/store.js';
import { invalidValues, validation } from './errors.js';
import { type IndexRecord, type KeyNames, type KeyType, namesOf, type TableRecord } from './tables.js';
import { keyBytes, sortText } from './values/sort-text.js';
import { type Item, itemOf, typeOf, type Value } from './values/value.js';

// Developer guide, "Quotas": bytes of key attributes.
const MOST_PARTITION_BYTES = 2048;
const MOST_SORT_BYTES = 1024;

/** Where an item stands in its table: by the hash of its partition key, then by its sort key. */
export function itemPosition(table: TableRecord, item: Item): string {
  return positionBy(table.key, item) ?? '';
}

/** Where an item stands in an index; undefined when it lacks the index's key and so is not in it. */
export function indexPosition(table: TableRecord, index: IndexRecord, item: Item): string | undefined {
  const position = positionBy(index.key, item);
  // Several items may have the same index key.
  return position && compoundKey(position, digest(itemPosition(table, item)));
}

function positionBy({ partition, sort }: KeyNames, item: Item): string | undefined {
  const [partitionValue, sortValue] = [item[partition], sort === undefined ? undefined : item[sort]];
  if (!partitionValue || (sort !== undefined && !sortValue)) return undefined;
  return compoundKey(partitionPosition(partitionValue), sortValue ? sortText(sortValue) : '');
}

/** Hexadecimal digits; they spread partition keys over the segments of a parallel scan. */
export function partitionPosition(value: Value): string {
  return digest('N' in value ? value.N : keyBytes(value));
}

/** A short name for text of any length. */
export function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

/**
 * The primary key of an item that is to be written.
 *
 * @throws AwsError `ValidationException` when it lacks a key attribute or one has the wrong type.
 */
export function checkItemKeys(table: TableRecord, item: Item): void {
  for (const name of namesOf(table.key)) {
    const value = item[name];
    if (!value) throw invalidValues(`Missing the key ${name} in the item`);
    const expected = table.attributes[name];
    if (typeOf(value) !== expected) {
      throw invalidValues(`Type mismatch for key ${name} expected: ${expected} actual: ${typeOf(value)}`);
    }
  }
  checkKeyValues(table, table.key, item);
  checkIndexKeys(table, item);
}

/** @throws AwsError `ValidationException` when an attribute cannot be in the key of an index that names it. */
export function checkIndexKeys(table: TableRecord, item: Item): void {
  for (const index of table.indexes) {
    for (const name of namesOf(index.key)) {
      const value = item[name];
      if (!value) continue;
      const expected = table.attributes[name];
      if (typeOf(value) !== expected) {
        throw invalidValues(
          `Type mismatch for Index Key ${name} Expected: ${expected} Actual: ${typeOf(value)} IndexName: ${index.name}`,
        );
      }
      if (!('N' in value) && keyBytes(value).length === 0) {
        const kind = expected === 'S' ? 'string' : 'binary';
        throw validation(
          `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value. IndexName: ${index.name}, IndexKey: ${name}`,
        );
      }
    }
    if (namesOf(index.key).every((name) => item[name])) checkKeyValues(table, index.key, item);
  }
}

/**
 * A key that a client names an item by: exactly the attributes of the primary key.
 *
 * @throws AwsError `ValidationException`
 */
export function checkedKey(table: TableRecord, given: Item): Item {
  const names = namesOf(table.key);
  const fits = names.every((name) => {
    const value = given[name];
    return value && typeOf(value) === table.attributes[name];
  });
  if (!fits || Object.keys(given).length !== names.length) {
    throw validation('The provided key element does not match the schema');
  }
  checkKeyValues(table, table.key, given);
  return given;
}

function checkKeyValues(table: TableRecord, { partition, sort }: KeyNames, item: Item): void {
  for (const name of [partition, sort]) {
    const value = name === undefined ? undefined : item[name];
    if (name === undefined || !value || 'N' in value) continue;
    const { length } = keyBytes(value);
    if (length === 0) {
      const kind = table.attributes[name] === 'S' ? 'string' : 'binary';
      throw validation(
        `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${kind} value. Key: ${name}`,
      );
    }
    if (name === partition && length > MOST_PARTITION_BYTES) {
      throw invalidValues('Size of hashkey has exceeded the maximum size limit of2048 bytes');
    }
    if (name === sort && length > MOST_SORT_BYTES) {
      throw invalidValues('Aggregated size of all range keys has exceeded the size limit of 1024 bytes');
    }
  }
}

/** The attributes of an item that name it in a table or index. */
export function keyOf(table: TableRecord, index: IndexRecord | undefined, item: Item): Item {
  return itemOf(keyNames(table, index).flatMap((name) => (item[name] ? [[name, item[name]] as const] : [])));
}

/** Names of the attributes that name an item in an index: those of the table's key too. */
export function keyNames(table: TableRecord, index: IndexRecord | undefined): string[] {
  return [...new Set([...namesOf(table.key), ...(index ? namesOf(index.key) : [])])];
}

export function hasType(value: Value, type: KeyType | undefined): boolean {
  return typeOf(value) === type;
}
