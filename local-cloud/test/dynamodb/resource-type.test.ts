import { DescribeTimeToLiveCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { resources } from '../support/resources.js';
import { startDatabase } from './support.js';

const type = 'AWS::DynamoDB::Table';
const telemetry = {
  TableName: 'telemetry',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'thing', AttributeType: 'S' },
    { AttributeName: 'at', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'thing', KeyType: 'HASH' },
    { AttributeName: 'at', KeyType: 'RANGE' },
  ],
  TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
  PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  SSESpecification: { SSEEnabled: true },
  Tags: [{ Key: 'fleet', Value: 'a' }],
};

test('AWS::DynamoDB::Table is made, read, changed and deleted', async () => {
  const { cloud, db, put } = await startDatabase();
  const control = resources(cloud);
  expect(await control.create(type, telemetry)).toBe('telemetry');
  await expect(control.create(type, telemetry)).rejects.toMatchObject({ name: 'AlreadyExists' });
  expect(await control.read(type, 'telemetry')).toMatchObject({
    ...telemetry,
    Arn: 'arn:aws:dynamodb:eu-central-1:000000000000:table/telemetry',
    DeletionProtectionEnabled: false,
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
  });
  const ttl = await db.send(new DescribeTimeToLiveCommand({ TableName: 'telemetry' }));
  expect(ttl.TimeToLiveDescription).toMatchObject({ AttributeName: 'expires' });
  await put('telemetry', { thing: { S: 't' }, at: { N: '1' }, kind: { S: 'k' } });

  const index = {
    IndexName: 'kinds',
    KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
  };
  await control.update(type, 'telemetry', [
    { op: 'add', path: '/AttributeDefinitions/-', value: { AttributeName: 'kind', AttributeType: 'S' } },
    { op: 'add', path: '/GlobalSecondaryIndexes', value: [index] },
    { op: 'remove', path: '/Tags' },
    { op: 'replace', path: '/TimeToLiveSpecification/AttributeName', value: 'until' },
    {
      op: 'replace',
      path: '/PointInTimeRecoverySpecification',
      value: { PointInTimeRecoveryEnabled: false },
    },
    { op: 'add', path: '/TableClass', value: 'STANDARD_INFREQUENT_ACCESS' },
  ]);
  const read = await control.read(type, 'telemetry');
  expect(read).toMatchObject({
    GlobalSecondaryIndexes: [index],
    TimeToLiveSpecification: { AttributeName: 'until', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
    TableClass: 'STANDARD_INFREQUENT_ACCESS',
  });
  expect(read.Tags).toBeUndefined();
  const query = new QueryCommand({
    ...{ TableName: 'telemetry', IndexName: 'kinds', KeyConditionExpression: 'kind = :k' },
    ExpressionAttributeValues: { ':k': { S: 'k' } },
  });
  expect((await db.send(query)).Count).toBe(1);
  await control.update(type, 'telemetry', [
    { op: 'remove', path: '/GlobalSecondaryIndexes' },
    { op: 'remove', path: '/AttributeDefinitions/2' },
  ]);
  await expect(db.send(query)).rejects.toMatchObject({ name: 'ValidationException' });

  await control.delete(type, 'telemetry');
  await expect(control.delete(type, 'telemetry')).rejects.toMatchObject({ name: 'NotFound' });
});

test('a table that cannot be made as wanted is not made', async () => {
  const { cloud } = await startDatabase();
  const control = resources(cloud);
  const { TableName: _, ...unnamed } = telemetry;
  expect(await control.create(type, unnamed)).toMatch(/^table-/);
  await expect(
    control.create(type, { ...telemetry, TimeToLiveSpecification: { Enabled: true } }),
  ).rejects.toMatchObject({ name: 'InvalidRequest' });
  await expect(control.read(type, 'telemetry')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(
    control.create(type, { ...telemetry, StreamSpecification: { StreamViewType: 'NEW_IMAGE' } }),
  ).rejects.toMatchObject({
    name: 'InvalidRequest',
    message: expect.stringContaining('StreamSpecification of AWS::DynamoDB::Table is not built'),
  });
  await control.create(type, telemetry);
  await expect(
    control.update(type, 'telemetry', [{ op: 'replace', path: '/KeySchema/1/AttributeName', value: 'time' }]),
  ).rejects.toMatchObject({ name: 'InvalidRequest' });
});
