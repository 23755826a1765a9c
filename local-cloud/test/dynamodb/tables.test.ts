import {
  BatchWriteItemCommand,
  CreateBackupCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeEndpointsCommand,
  DescribeLimitsCommand,
  DescribeTableCommand,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  paginateListTables,
  QueryCommand,
  TagResourceCommand,
  TransactWriteItemsCommand,
  UntagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { roleSession } from '../support/role-session.js';
import { client, startDatabase } from './support.js';

const clock = new ManualClock(Date.now());
let database: Awaited<ReturnType<typeof startDatabase>>;

beforeAll(async () => {
  database = await startDatabase({ clock });
});

const describeTable = async (TableName: string) =>
  (await database.db.send(new DescribeTableCommand({ TableName }))).Table;

test('a table is made, described, changed, listed and deleted', async () => {
  const { db } = database;
  const TableName = 'life';
  await database.table(TableName, { Tags: [{ Key: 'team', Value: 'x' }] });
  await waitUntilTableExists({ client: db, maxWaitTime: 30 }, { TableName });
  const arn = `arn:aws:dynamodb:eu-central-1:000000000000:table/${TableName}`;
  expect(await describeTable(TableName)).toMatchObject({
    ...{ TableName, TableArn: arn, TableStatus: 'ACTIVE', ItemCount: 0 },
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    CreationDateTime: new Date(Math.floor(clock.now())),
  });
  await expect(database.table(TableName)).rejects.toMatchObject({
    name: 'ResourceInUseException',
    message: `Table already exists: ${TableName}`,
  });
  await database.put(TableName, { id: { S: 'a' }, kind: { S: 'k' } });
  await db.send(
    new UpdateTableCommand({
      TableName,
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 3 },
      DeletionProtectionEnabled: true,
      AttributeDefinitions: [{ AttributeName: 'kind', AttributeType: 'S' }],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: 'kinds',
            KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
            ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
          },
        },
      ],
    }),
  );
  expect(await describeTable(TableName)).toMatchObject({
    ...{ ItemCount: 1, DeletionProtectionEnabled: true },
    ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 3 },
    GlobalSecondaryIndexes: [{ IndexName: 'kinds', IndexStatus: 'ACTIVE' }],
  });
  const found = new QueryCommand({
    ...{ TableName, IndexName: 'kinds', KeyConditionExpression: 'kind = :k' },
    ExpressionAttributeValues: { ':k': { S: 'k' } },
  });
  expect((await db.send(found)).Count).toBe(1);
  const remove = new DeleteTableCommand({ TableName });
  await expect(db.send(remove)).rejects.toThrow(/protected against deletion/);
  await db.send(
    new UpdateTableCommand({
      ...{ TableName, DeletionProtectionEnabled: false },
      GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'kinds' } }],
    }),
  );
  expect(await describeTable(TableName)).toMatchObject({
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  });
  await db.send(remove);
  await waitUntilTableNotExists({ client: db, maxWaitTime: 30 }, { TableName });
  await database.table(TableName);
  expect(await database.get(TableName, { id: { S: 'a' } })).toBeUndefined();
  await expect(describeTable('nowhere')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: 'Requested resource not found: Table: nowhere not found',
  });
});

test('tables are listed in pages', async () => {
  for (const name of ['list-a', 'list-b', 'list-c']) await database.table(name);
  const names: string[] = [];
  for await (const page of paginateListTables({ client: database.db, pageSize: 1 }, {})) {
    names.push(...(page.TableNames ?? []));
  }
  expect(names).toEqual(expect.arrayContaining(['list-a', 'list-b', 'list-c']));
  await expect(database.db.send(new ListTablesCommand({ Limit: 101 }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test.each([
  [{ TableName: 'no' }, /at least 3 characters long/],
  [{ TableName: 'bad name' }, /must satisfy regular expression pattern/],
  [
    { TableName: 'bad-1', KeySchema: [{ AttributeName: 'x', KeyType: 'RANGE' as const }] },
    /not a HASH key type/,
  ],
  [
    { TableName: 'bad-2', AttributeDefinitions: [{ AttributeName: 'x', AttributeType: 'S' as const }] },
    /Number of attributes/,
  ],
  [{ TableName: 'bad-3', BillingMode: 'PROVISIONED' as const }, /No provisioned throughput/],
  [{ TableName: 'bad-4', StreamSpecification: { StreamEnabled: true } }, /stream of a table is not built/],
  [{ TableName: 'bad-5', ResourcePolicy: '{}' }, /ResourcePolicy of CreateTable is not built/],
])('%j is not made', async ({ TableName, ...input }, message) => {
  await expect(database.table(TableName, input)).rejects.toThrow(message);
});

test('tags, limits, endpoints, point-in-time recovery', async () => {
  const { db } = database;
  await database.table('tagged');
  const ResourceArn = (await describeTable('tagged'))?.TableArn;
  const Tags = [
    { Key: 'a', Value: '1' },
    { Key: 'b', Value: '2' },
  ];
  await db.send(new TagResourceCommand({ ResourceArn, Tags }));
  await db.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['a'] }));
  expect((await db.send(new ListTagsOfResourceCommand({ ResourceArn }))).Tags).toEqual([Tags[1]]);
  expect(await db.send(new DescribeLimitsCommand({}))).toMatchObject({ TableMaxReadCapacityUnits: 40_000 });
  expect((await db.send(new DescribeEndpointsCommand({}))).Endpoints).toHaveLength(1);
  await db.send(
    new UpdateContinuousBackupsCommand({
      TableName: 'tagged',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    }),
  );
  const backups = await db.send(new DescribeContinuousBackupsCommand({ TableName: 'tagged' }));
  expect(backups.ContinuousBackupsDescription).toMatchObject({
    PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED', RecoveryPeriodInDays: 35 },
  });
});

test('what is not built says so by name', async () => {
  await expect(
    database.db.send(new ExecuteStatementCommand({ Statement: 'SELECT * FROM tagged' })),
  ).rejects.toMatchObject({ name: 'NotImplementedException', message: /ExecuteStatement/ });
  await expect(
    database.db.send(new CreateBackupCommand({ TableName: 'tagged', BackupName: 'backup' })),
  ).rejects.toMatchObject({ name: 'NotImplementedException', message: /CreateBackup/ });
});

test('roles may do what their policies allow on tables and indexes', async () => {
  await database.table('guarded');
  const arn = 'arn:aws:dynamodb:eu-central-1:000000000000:table/guarded';
  const session = await roleSession(database.cloud, 'reader', [
    { Effect: 'Allow', Action: ['dynamodb:Query', 'dynamodb:DescribeTable'], Resource: arn },
  ]);
  const db = client(database.cloud, session);
  await db.send(new DescribeTableCommand({ TableName: 'guarded' }));
  const query = {
    ...{ TableName: 'guarded', KeyConditionExpression: 'id = :i' },
    ExpressionAttributeValues: { ':i': { S: 'x' } },
  };
  await db.send(new QueryCommand(query));
  await expect(db.send(new QueryCommand({ ...query, IndexName: 'any' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`dynamodb:Query on resource: ${arn}/index/any`),
  });
  await expect(db.send(new DescribeTableCommand({ TableName: 'life' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});

test('a policy can allow the items of some partition keys alone', async () => {
  await database.table('shared');
  const session = await roleSession(database.cloud, 'tenant', [
    {
      Effect: 'Allow',
      Action: 'dynamodb:*',
      Resource: 'arn:aws:dynamodb:eu-central-1:000000000000:table/shared',
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['tenant-1/*'] } },
    },
  ]);
  const db = client(database.cloud, session);
  const TableName = 'shared';
  const [own, other] = [{ id: { S: 'tenant-1/a' } }, { id: { S: 'tenant-2/a' } }];
  const write = (...items: (typeof own)[]) =>
    db.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) },
      }),
    );
  const read = (key: typeof own) =>
    db.send(
      new QueryCommand({
        ...{ TableName, KeyConditionExpression: 'id = :id' },
        ExpressionAttributeValues: { ':id': key.id },
      }),
    );
  const denied = { name: 'AccessDeniedException' };
  await write(own);
  await expect(write(own, other)).rejects.toMatchObject(denied);
  expect((await read(own)).Count).toBe(1);
  await expect(read(other)).rejects.toMatchObject(denied);
  await db.send(new GetItemCommand({ TableName, Key: own }));
  await expect(db.send(new GetItemCommand({ TableName, Key: other }))).rejects.toMatchObject(denied);
  const transact = (Key: typeof own) =>
    db.send(new TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName, Key } }] }));
  await expect(transact(other)).rejects.toMatchObject(denied);
  await transact(own);
});
