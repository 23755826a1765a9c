import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../clock.js';
import type { Operations } from '../../service.js';
import { inUse, resourceNotFound, tableNotFound, validation } from './errors.js';
import type { Items } from './items.js';
import { onlyMembers } from './members.js';
import {
  attributeTypes,
  checkDefinition,
  checkedThroughput,
  indexRecord,
  keySchema,
  refuseStream,
  wantsKms,
} from './table-definition.js';
import { describeTable } from './table-description.js';
import type { IndexRecord, TableRecord, Tables } from './tables.js';
import { checkedTags } from './tag-operations.js';

const CREATE = [
  ...['AttributeDefinitions', 'TableName', 'KeySchema', 'LocalSecondaryIndexes', 'GlobalSecondaryIndexes'],
  ...['BillingMode', 'ProvisionedThroughput', 'StreamSpecification', 'SSESpecification', 'Tags'],
  ...['TableClass', 'DeletionProtectionEnabled'],
];
const UPDATE = [
  ...['AttributeDefinitions', 'TableName', 'BillingMode', 'ProvisionedThroughput', 'StreamSpecification'],
  ...['SSESpecification', 'TableClass', 'DeletionProtectionEnabled', 'GlobalSecondaryIndexUpdates'],
];

/** The operations on tables, which are done at once: a table is ACTIVE as soon as it is described. */
export function tableOperations(tables: Tables, items: Items, clock: Clock) {
  const existing = (name = ''): TableRecord => {
    const table = tables.get(name);
    if (!table) throw tableNotFound(tables.nameOf(name));
    return table;
  };

  /** @throws ResourceInUseException when there is a table of that name. */
  function create(input: sdk.CreateTableCommandInput): TableRecord {
    onlyMembers('CreateTable', input, CREATE);
    const name = tables.nameOf(input.TableName ?? '');
    const onDemand = billing(input.BillingMode) ?? false;
    const key = keySchema(input.KeySchema);
    const kinds = { onDemand, key };
    const indexes = [
      ...(input.LocalSecondaryIndexes ?? []).map((each) => indexRecord(each, { ...kinds, global: false })),
      ...(input.GlobalSecondaryIndexes ?? []).map((each) => indexRecord(each, { ...kinds, global: true })),
    ];
    refuseStream(input.StreamSpecification);
    const table: TableRecord = {
      ...{ name, key, indexes, onDemand, id: randomUUID(), created: clock.now() },
      attributes: attributeTypes(input.AttributeDefinitions),
      throughput: checkedThroughput(onDemand, input.ProvisionedThroughput),
      ...(onDemand && { onDemandSince: clock.now() }),
      deletionProtection: input.DeletionProtectionEnabled ?? false,
      ...(input.TableClass && { tableClass: input.TableClass }),
      encrypted: wantsKms(input.SSESpecification),
      tags: checkedTags({}, input.Tags),
    };
    checkDefinition(table);
    if (tables.get(name)) throw inUse(`Table already exists: ${name}`);
    tables.put(table);
    return table;
  }

  /** @throws AwsError or a modelled exception when the change cannot be made. */
  function update(input: sdk.UpdateTableCommandInput): TableRecord {
    onlyMembers('UpdateTable', input, UPDATE);
    const before = existing(input.TableName);
    if (Object.values(input).filter((value) => value !== undefined).length < 2) {
      throw validation(
        'At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required',
      );
    }
    refuseStream(input.StreamSpecification);
    const onDemand = billing(input.BillingMode) ?? before.onDemand;
    const throughput =
      onDemand !== before.onDemand || input.ProvisionedThroughput
        ? checkedThroughput(onDemand, input.ProvisionedThroughput)
        : before.throughput;
    const { indexes, attributes } = changedIndexes(before, onDemand, input);
    const after: TableRecord = {
      ...before,
      ...{ onDemand, throughput, indexes, attributes },
      ...(onDemand && !before.onDemand && { onDemandSince: clock.now() }),
      deletionProtection: input.DeletionProtectionEnabled ?? before.deletionProtection,
      ...(input.TableClass && { tableClass: input.TableClass }),
      encrypted: input.SSESpecification ? wantsKms(input.SSESpecification) : before.encrypted,
    };
    checkDefinition(after);
    for (const { name, global, throughput: own } of indexes) {
      if (global && !onDemand && !own?.read) checkedThroughput(false, undefined, `index: ${name}`);
    }
    items.store.transaction(() => {
      tables.put(after);
      items.rebuild(before, after);
    });
    return after;
  }

  /** @throws ResourceNotFoundException; AwsError `ValidationException` when the table is protected. */
  function remove(name: string | undefined): TableRecord {
    const table = existing(name);
    if (table.deletionProtection) {
      throw validation(
        `Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.`,
      );
    }
    items.store.transaction(() => {
      items.clear(table);
      tables.delete(table);
    });
    return table;
  }

  const operations: Operations<typeof sdk> = {
    CreateTable: (input) => ({ TableDescription: describeTable(tables, create(input), 'CREATING') }),
    DescribeTable: ({ TableName }) => ({ Table: describeTable(tables, existing(TableName)) }),
    UpdateTable: (input) => ({ TableDescription: describeTable(tables, update(input), 'UPDATING') }),
    DeleteTable: ({ TableName }) => ({
      TableDescription: describeTable(tables, remove(TableName), 'DELETING'),
    }),
    ListTables({ ExclusiveStartTableName, Limit = 100 }) {
      if (Limit < 1 || Limit > 100) {
        throw validation(
          `1 validation error detected: Value '${Limit}' at 'limit' failed to satisfy constraint: Member must have value ${Limit < 1 ? 'greater than or equal to 1' : 'less than or equal to 100'}`,
        );
      }
      const TableNames: string[] = [];
      for (const name of tables.names(ExclusiveStartTableName)) {
        if (TableNames.length === Limit) return { TableNames, LastEvaluatedTableName: TableNames.at(-1) };
        TableNames.push(name);
      }
      return { TableNames };
    },
  };
  return { operations, create, update, remove };
}

function billing(mode: string | undefined): boolean | undefined {
  if (mode !== undefined && mode !== 'PAY_PER_REQUEST' && mode !== 'PROVISIONED') {
    throw validation(
      `1 validation error detected: Value '${mode}' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]`,
    );
  }
  return mode && mode === 'PAY_PER_REQUEST';
}

/** The indexes and attribute types of a table after an update. */
function changedIndexes(
  before: TableRecord,
  onDemand: boolean,
  input: sdk.UpdateTableCommandInput,
): Pick<TableRecord, 'indexes' | 'attributes'> {
  let indexes: readonly IndexRecord[] = before.indexes.map((index) =>
    onDemand && index.global ? { ...index, throughput: { read: 0, write: 0 } } : index,
  );
  const updates = input.GlobalSecondaryIndexUpdates ?? [];
  const find = (name: string | undefined) => {
    const index = indexes.find((each) => each.global && each.name === name);
    if (!index) throw resourceNotFound(`Requested resource not found: Index: ${name} not found`);
    return index;
  };
  for (const { Create, Delete, Update } of updates) {
    if (Create) {
      if (indexes.some(({ name }) => name === Create.IndexName)) {
        throw validation(`Attempting to create an index which already exists: ${Create.IndexName}`);
      }
      indexes = [...indexes, indexRecord(Create, { global: true, onDemand, key: before.key })];
    } else if (Delete) {
      const gone = find(Delete.IndexName);
      indexes = indexes.filter((index) => index !== gone);
    } else if (Update) {
      onlyMembers('the update of an index', Update, ['IndexName', 'ProvisionedThroughput']);
      const old = find(Update.IndexName);
      const throughput = checkedThroughput(onDemand, Update.ProvisionedThroughput, `index: ${old.name}`);
      indexes = indexes.map((index) => (index === old ? { ...index, throughput } : index));
    }
  }
  if (updates.length === 0) return { indexes, attributes: before.attributes };
  const types = { ...before.attributes, ...attributeTypes(input.AttributeDefinitions) };
  const used = new Set([before.key, ...indexes.map(({ key }) => key)].flatMap((key) => Object.values(key)));
  const attributes = Object.fromEntries(Object.entries(types).filter(([name]) => used.has(name)));
  return { indexes, attributes };
}
