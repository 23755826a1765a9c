import type { KeySchemaElement, TableDescription, TableStatus } from '@aws-sdk/client-dynamodb';
import type { KeyNames, TableRecord, Tables, Throughput } from './tables.js';

/** How a table is described; `status` where an operation is under way on AWS. */
export function describeTable(
  tables: Tables,
  table: TableRecord,
  status: TableStatus = 'ACTIVE',
): TableDescription {
  const TableArn = tables.arnOf(table.name);
  const { items, bytes } = tables.size(table);
  const indexOf = (index: TableRecord['indexes'][number]) => ({
    IndexName: index.name,
    KeySchema: keySchemaOf(index.key),
    Projection: {
      ProjectionType: index.projection,
      ...(index.nonKeyAttributes && { NonKeyAttributes: [...index.nonKeyAttributes] }),
    },
    IndexArn: `${TableArn}/index/${index.name}`,
    IndexSizeBytes: bytes,
    ItemCount: items,
  });
  const local = table.indexes.filter(({ global }) => !global).map(indexOf);
  const global = table.indexes
    .filter((index) => index.global)
    .map((index) => ({
      ...indexOf(index),
      IndexStatus: status === 'CREATING' ? ('CREATING' as const) : ('ACTIVE' as const),
      ProvisionedThroughput: throughputOf(index.throughput),
    }));
  const since = table.onDemandSince === undefined ? undefined : new Date(table.onDemandSince);
  return {
    TableName: table.name,
    TableArn,
    TableId: table.id,
    TableStatus: status,
    CreationDateTime: new Date(table.created),
    AttributeDefinitions: Object.entries(table.attributes).map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchemaOf(table.key),
    ProvisionedThroughput: throughputOf(table.throughput),
    ItemCount: items,
    TableSizeBytes: bytes,
    DeletionProtectionEnabled: table.deletionProtection,
    ...(since && {
      BillingModeSummary: {
        BillingMode: table.onDemand ? 'PAY_PER_REQUEST' : 'PROVISIONED',
        LastUpdateToPayPerRequestDateTime: since,
      },
    }),
    ...(table.tableClass && { TableClassSummary: { TableClass: table.tableClass } }),
    ...(table.encrypted && {
      SSEDescription: { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: tables.kmsKeyArn },
    }),
    ...(local.length > 0 && { LocalSecondaryIndexes: local }),
    ...(global.length > 0 && { GlobalSecondaryIndexes: global }),
  };
}

export function keySchemaOf({ partition, sort }: KeyNames): KeySchemaElement[] {
  return [
    { AttributeName: partition, KeyType: 'HASH' },
    ...(sort === undefined ? [] : [{ AttributeName: sort, KeyType: 'RANGE' as const }]),
  ];
}

function throughputOf({ read, write }: Throughput = { read: 0, write: 0 }) {
  return { NumberOfDecreasesToday: 0, ReadCapacityUnits: read, WriteCapacityUnits: write };
}
