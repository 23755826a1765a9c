import type * as sdk from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { AwsError } from '../../errors.js';
import { generatedName, parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { tagList } from '../../tags.js';
import { withRecovery } from './continuous-backups.js';
import { tableNotFound } from './errors.js';
import type { Items } from './items.js';
import { describeTable, keySchemaOf } from './table-description.js';
import type { tableOperations } from './table-operations.js';
import type { IndexRecord, TableRecord, Tables, Throughput } from './tables.js';
import { checkedTags } from './tag-operations.js';
import { setTimeToLive } from './time-to-live.js';

const keySchema = z.array(z.strictObject({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const throughput = z.strictObject({
  ReadCapacityUnits: z.number().int(),
  WriteCapacityUnits: z.number().int(),
});
const localIndex = z.strictObject({
  IndexName: z.string(),
  KeySchema: keySchema,
  Projection: z.strictObject({
    ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']).optional(),
    NonKeyAttributes: z.array(z.string()).optional(),
  }),
});
const disabled = z.strictObject({
  Enabled: z.literal(false, { error: 'contributor insights are not built in the local cloud' }),
});
const globalIndex = localIndex.extend({
  ProvisionedThroughput: throughput.optional(),
  ContributorInsightsSpecification: disabled.optional(),
});

const schema = z.strictObject({
  TableName: z.string().optional(),
  KeySchema: keySchema,
  AttributeDefinitions: z
    .array(z.strictObject({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) }))
    .optional(),
  BillingMode: z.enum(['PROVISIONED', 'PAY_PER_REQUEST']).optional(),
  ProvisionedThroughput: throughput.optional(),
  LocalSecondaryIndexes: z.array(localIndex).optional(),
  GlobalSecondaryIndexes: z.array(globalIndex).optional(),
  SSESpecification: z
    .strictObject({ SSEEnabled: z.boolean(), SSEType: z.literal('KMS').optional() })
    .optional(),
  PointInTimeRecoverySpecification: z
    .strictObject({
      PointInTimeRecoveryEnabled: z.boolean().optional(),
      RecoveryPeriodInDays: z.number().int().optional(),
    })
    .optional(),
  TimeToLiveSpecification: z
    .strictObject({ AttributeName: z.string().optional(), Enabled: z.boolean() })
    .optional(),
  DeletionProtectionEnabled: z.boolean().optional(),
  TableClass: z.enum(['STANDARD', 'STANDARD_INFREQUENT_ACCESS']).optional(),
  ContributorInsightsSpecification: disabled.optional(),
  Tags: tagsSchema.optional(),
  // Read-only ones come back in documents that were read before.
  Arn: z.string().optional(),
});
type Wanted = z.infer<typeof schema>;

/** `AWS::DynamoDB::Table`. */
export function tableType(
  tables: Tables,
  items: Items,
  { create, update, remove }: Pick<ReturnType<typeof tableOperations>, 'create' | 'update' | 'remove'>,
  now: () => number,
): ResourceType {
  const typeName = 'AWS::DynamoDB::Table';
  const existing = (name: string): TableRecord => {
    const table = tables.get(name);
    if (!table) throw tableNotFound(name);
    return table;
  };

  /** What has an operation of its own: time to live, recovery, tags. */
  function settle(name: string, wanted: Wanted): void {
    const { PointInTimeRecoverySpecification: recovery = {}, TimeToLiveSpecification: expiry } = wanted;
    tables.put({ ...withRecovery(existing(name), recovery, now()), tags: checkedTags({}, wanted.Tags) });
    const attribute = expiry?.Enabled ? expiry.AttributeName : undefined;
    if (expiry?.Enabled && attribute === undefined) {
      throw new AwsError('InvalidRequest', 'TimeToLiveSpecification needs an AttributeName');
    }
    const { timeToLive } = existing(name);
    if (timeToLive === attribute) return;
    if (timeToLive !== undefined) {
      setTimeToLive(items, existing(name), { Enabled: false, AttributeName: timeToLive });
    }
    if (attribute !== undefined) {
      setTimeToLive(items, existing(name), { Enabled: true, AttributeName: attribute });
    }
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const name = wanted.TableName ?? generatedName('table');
      if (tables.get(name)) {
        throw new AwsError('ResourceAlreadyExistsException', `Table already exists: ${name}`);
      }
      return items.store.transaction(() => {
        create({ ...settings(wanted), ...indexes(wanted), TableName: name, KeySchema: wanted.KeySchema });
        settle(name, wanted);
        return name;
      });
    },
    read(name) {
      const table = tables.get(name);
      return table && properties(tables, table);
    },
    update(name, desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const table = existing(name);
      if (JSON.stringify(wanted.KeySchema.map(pair)) !== JSON.stringify(keySchemaOf(table.key).map(pair))) {
        throw new AwsError('InvalidRequest', 'The KeySchema of a table cannot be changed');
      }
      items.store.transaction(() => {
        update({
          TableName: name,
          ...settings(wanted),
          DeletionProtectionEnabled: wanted.DeletionProtectionEnabled ?? false,
          TableClass: wanted.TableClass ?? 'STANDARD',
          GlobalSecondaryIndexUpdates: indexUpdates(tables, table, wanted),
        });
        settle(name, wanted);
      });
    },
    delete: (name) => void remove(name),
    list: () => [...tables.names()],
  };
}

/** The members of CreateTable and UpdateTable that properties stand for. */
function settings(wanted: Wanted) {
  const { SSESpecification, ...others } = wanted;
  return {
    AttributeDefinitions: others.AttributeDefinitions,
    BillingMode: others.BillingMode ?? 'PROVISIONED',
    ProvisionedThroughput: others.ProvisionedThroughput,
    DeletionProtectionEnabled: others.DeletionProtectionEnabled,
    TableClass: others.TableClass,
    SSESpecification: { Enabled: SSESpecification?.SSEEnabled ?? false },
  };
}

function indexes({ GlobalSecondaryIndexes, LocalSecondaryIndexes }: Wanted) {
  return { GlobalSecondaryIndexes: GlobalSecondaryIndexes?.map(globalIndexInput), LocalSecondaryIndexes };
}

function globalIndexInput({
  ContributorInsightsSpecification: _,
  ...index
}: z.infer<typeof globalIndex>): sdk.GlobalSecondaryIndex {
  return index;
}

/** How the global indexes of a table come to be those that are wanted. */
function indexUpdates(
  tables: Tables,
  table: TableRecord,
  wanted: Wanted,
): sdk.GlobalSecondaryIndexUpdate[] | undefined {
  const current = table.indexes.filter(({ global }) => global);
  const target = (wanted.GlobalSecondaryIndexes ?? []).map(globalIndexInput);
  const locals = describeTable(tables, table).LocalSecondaryIndexes ?? [];
  if (!sameNames(locals, wanted.LocalSecondaryIndexes ?? [])) {
    throw new AwsError('InvalidRequest', 'The LocalSecondaryIndexes of a table cannot be changed');
  }
  const updates: sdk.GlobalSecondaryIndexUpdate[] = [];
  for (const { name } of current) {
    if (!target.some(({ IndexName }) => IndexName === name)) updates.push({ Delete: { IndexName: name } });
  }
  for (const index of target) {
    const { IndexName, ProvisionedThroughput } = index;
    const old = current.find(({ name }) => name === IndexName);
    if (!old) updates.push({ Create: index });
    else if (!isSame(old, index)) {
      throw new AwsError(
        'InvalidRequest',
        `The KeySchema and Projection of the index ${IndexName} cannot be changed`,
      );
    } else if (ProvisionedThroughput) updates.push({ Update: { IndexName, ProvisionedThroughput } });
  }
  return updates.length > 0 ? updates : undefined;
}

function sameNames(
  a: readonly { readonly IndexName?: string | undefined }[],
  b: readonly { readonly IndexName?: string | undefined }[],
): boolean {
  const names = (all: typeof a) => JSON.stringify(all.map(({ IndexName }) => IndexName).sort());
  return names(a) === names(b);
}

function isSame(old: IndexRecord, { KeySchema = [], Projection }: sdk.GlobalSecondaryIndex): boolean {
  return (
    JSON.stringify(keySchemaOf(old.key).map(pair)) === JSON.stringify(KeySchema.map(pair)) &&
    old.projection === Projection?.ProjectionType &&
    JSON.stringify([...(old.nonKeyAttributes ?? [])].sort()) ===
      JSON.stringify([...(Projection.NonKeyAttributes ?? [])].sort())
  );
}

function pair({ AttributeName, KeyType }: sdk.KeySchemaElement) {
  return [AttributeName, KeyType];
}

/** A table as CloudFormation reads it. */
function properties(tables: Tables, table: TableRecord): ResourceProperties {
  const { AttributeDefinitions, KeySchema, TableArn } = describeTable(tables, table);
  const { pointInTimeRecovery: recovery, timeToLive, tableClass, onDemand } = table;
  const local = table.indexes.filter(({ global }) => !global).map(indexProperties);
  const global = table.indexes
    .filter((index) => index.global)
    .map((index) => ({
      ...indexProperties(index),
      ContributorInsightsSpecification: { Enabled: false },
      ...(!onDemand && { ProvisionedThroughput: capacity(index.throughput) }),
    }));
  const tags = tagList(table.tags);
  return {
    ...{ TableName: table.name, Arn: TableArn, AttributeDefinitions, KeySchema },
    BillingMode: onDemand ? 'PAY_PER_REQUEST' : 'PROVISIONED',
    ...(!onDemand && { ProvisionedThroughput: capacity(table.throughput) }),
    ...(local.length > 0 && { LocalSecondaryIndexes: local }),
    ...(global.length > 0 && { GlobalSecondaryIndexes: global }),
    ContributorInsightsSpecification: { Enabled: false },
    DeletionProtectionEnabled: table.deletionProtection,
    PointInTimeRecoverySpecification: {
      PointInTimeRecoveryEnabled: recovery !== undefined,
      ...(recovery && { RecoveryPeriodInDays: recovery.days }),
    },
    SSESpecification: { SSEEnabled: table.encrypted, ...(table.encrypted && { SSEType: 'KMS' }) },
    ...(tableClass && { TableClass: tableClass }),
    ...(timeToLive !== undefined && {
      TimeToLiveSpecification: { AttributeName: timeToLive, Enabled: true },
    }),
    ...(tags.length > 0 && { Tags: tags }),
  };
}

function indexProperties({ name, key, projection, nonKeyAttributes }: IndexRecord) {
  return {
    IndexName: name,
    KeySchema: keySchemaOf(key),
    Projection: {
      ProjectionType: projection,
      ...(nonKeyAttributes && { NonKeyAttributes: nonKeyAttributes }),
    },
  };
}

function capacity({ read, write }: Throughput = { read: 0, write: 0 }) {
  return { ReadCapacityUnits: read, WriteCapacityUnits: write };
}
