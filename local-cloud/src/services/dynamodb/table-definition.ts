import type * as sdk from '@aws-sdk/client-dynamodb';
import { invalidValues, limitExceeded, notBuilt, validation } from './errors.js';
import { onlyMembers } from './members.js';
import type { IndexRecord, KeyNames, KeyType, TableRecord, Throughput } from './tables.js';
import { namesOf } from './tables.js';

// Developer guide, "Quotas".
const MOST_LOCAL = 5;
const MOST_GLOBAL = 20;
const INDEX_NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

/** The types of key attributes. @throws AwsError `ValidationException` */
export function attributeTypes(
  definitions: readonly sdk.AttributeDefinition[] = [],
): Record<string, KeyType> {
  const types: Record<string, KeyType> = {};
  for (const { AttributeName = '', AttributeType } of definitions) {
    if (AttributeType !== 'S' && AttributeType !== 'N' && AttributeType !== 'B') {
      throw validation(
        `1 validation error detected: Value '${AttributeType}' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]`,
      );
    }
    if (types[AttributeName]) {
      throw invalidValues(`Duplicate AttributeName in AttributeDefinitions: ${AttributeName}`);
    }
    types[AttributeName] = AttributeType;
  }
  return types;
}

/** Reads a key schema. @throws AwsError `ValidationException` */
export function keySchema(elements: readonly sdk.KeySchemaElement[] = []): KeyNames {
  const [first, second, ...more] = elements;
  if (!first || more.length > 0) {
    throw validation(
      `1 validation error detected: Value '${elements.length} elements' at 'keySchema' failed to satisfy constraint: Member must have length between 1 and 2`,
    );
  }
  if (first.KeyType !== 'HASH') {
    throw validation('Invalid KeySchema: The first KeySchemaElement is not a HASH key type');
  }
  if (second && second.KeyType !== 'RANGE') {
    throw validation('Invalid KeySchema: The second KeySchemaElement is not a RANGE key type');
  }
  const [partition = '', sort] = [first.AttributeName, second?.AttributeName];
  if (partition === sort) {
    throw validation('Both the Hash Key and the Range Key element in the KeySchema have the same name');
  }
  return { partition, ...(sort !== undefined && { sort }) };
}

/** Reads a secondary index. @throws AwsError `ValidationException`, or `NotImplementedException` by name. */
export function indexRecord(
  given: sdk.GlobalSecondaryIndex | sdk.LocalSecondaryIndex,
  { global, onDemand, key: tableKey }: { global: boolean; onDemand: boolean; key: KeyNames },
): IndexRecord {
  onlyMembers('a secondary index', given, [
    ...['IndexName', 'KeySchema', 'Projection'],
    ...(global ? ['ProvisionedThroughput'] : []),
  ]);
  const { IndexName: name = '', Projection = {} } = given;
  if (!INDEX_NAME.test(name)) {
    throw validation(
      `1 validation error detected: Value '${name}' at 'indexName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+`,
    );
  }
  const key = keySchema(given.KeySchema);
  if (!global && key.partition !== tableKey.partition) {
    throw invalidValues(`Table KeySchema does not have the same leading hash key as index: ${name}`);
  }
  if (!global && (key.sort === undefined || tableKey.sort === undefined)) {
    throw invalidValues(
      tableKey.sort === undefined
        ? 'Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex'
        : `Index KeySchema does not have a range key for index: ${name}`,
    );
  }
  const { ProjectionType: projection, NonKeyAttributes: nonKeyAttributes } = Projection;
  if (projection === undefined) {
    throw invalidValues(`Unknown ProjectionType: null`);
  }
  if ((projection === 'INCLUDE') !== (nonKeyAttributes !== undefined)) {
    throw invalidValues(
      projection === 'INCLUDE'
        ? 'ProjectionType is INCLUDE, but NonKeyAttributes is not specified'
        : `ProjectionType is ${projection}, but NonKeyAttributes is specified`,
    );
  }
  const throughput = 'ProvisionedThroughput' in given ? given.ProvisionedThroughput : undefined;
  return {
    ...{ name, global, key, projection },
    ...(nonKeyAttributes && { nonKeyAttributes }),
    ...(global && { throughput: checkedThroughput(onDemand, throughput, `index: ${name}`) }),
  };
}

/** Checks that billing mode and capacity go together. @throws AwsError `ValidationException` */
export function checkedThroughput(
  onDemand: boolean,
  given: sdk.ProvisionedThroughput | undefined,
  what?: string,
): Throughput {
  const { ReadCapacityUnits: read = 0, WriteCapacityUnits: write = 0 } = given ?? {};
  if (onDemand) {
    if (read > 0 || write > 0) {
      throw invalidValues(
        'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
      );
    }
    return { read: 0, write: 0 };
  }
  if (!given) {
    throw what === undefined
      ? validation('No provisioned throughput specified for the table')
      : invalidValues(`ProvisionedThroughput must be specified for ${what}`);
  }
  if (read < 1 || write < 1) {
    throw validation(
      `1 validation error detected: Value '${Math.min(read, write)}' at 'provisionedThroughput' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    );
  }
  return { read, write };
}

/** @throws AwsError `NotImplementedException` for a stream. */
export function refuseStream(specification: sdk.StreamSpecification | undefined): void {
  if (specification?.StreamEnabled) throw notBuilt('The stream of a table');
}

/** Whether a key of KMS is to be used. @throws AwsError `NotImplementedException` for a certain one. */
export function wantsKms(specification: sdk.SSESpecification | undefined): boolean {
  if (specification?.KMSMasterKeyId !== undefined) throw notBuilt('KMSMasterKeyId of SSESpecification');
  return specification?.Enabled ?? false;
}

/** Checks that indexes and attribute definitions of a table fit together. @throws AwsError */
export function checkDefinition(table: Pick<TableRecord, 'attributes' | 'key' | 'indexes'>): void {
  const used = new Set(namesOf(table.key));
  const names = new Set<string>();
  for (const index of table.indexes) {
    if (names.has(index.name)) throw invalidValues(`Duplicate index name: ${index.name}`);
    names.add(index.name);
    for (const name of namesOf(index.key)) used.add(name);
  }
  const defined = Object.keys(table.attributes);
  const undefinedOnes = [...used].filter((name) => !defined.includes(name));
  if (undefinedOnes.length > 0) {
    throw invalidValues(
      `Some index key attributes are not defined in AttributeDefinitions. Keys: [${undefinedOnes.join(', ')}], AttributeDefinitions: [${defined.join(', ')}]`,
    );
  }
  if (defined.length > used.size) {
    throw invalidValues(
      `Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions`,
    );
  }
  if (table.indexes.filter(({ global }) => global).length > MOST_GLOBAL) {
    throw limitExceeded('GlobalSecondaryIndex count exceeds the per-table limit of 20');
  }
  if (table.indexes.filter(({ global }) => !global).length > MOST_LOCAL) {
    throw limitExceeded('LocalSecondaryIndex count exceeds the per-table limit of 5');
  }
}
