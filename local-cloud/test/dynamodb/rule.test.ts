import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateTopicRuleCommand, IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { expect, test, vi } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { clientConfig } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { startDatabase } from './support.js';

test('a rule keeps telemetry until its time to live ends', async () => {
  const clock = new ManualClock(Date.now());
  const { cloud, db } = await startDatabase({ clock });
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  const TableName = 'telemetry';
  await resources(cloud).create('AWS::DynamoDB::Table', {
    ...{ TableName, BillingMode: 'PAY_PER_REQUEST' },
    AttributeDefinitions: [
      { AttributeName: 'thing', AttributeType: 'S' },
      { AttributeName: 'at', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'thing', KeyType: 'HASH' },
      { AttributeName: 'at', KeyType: 'RANGE' },
    ],
    TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
  });
  const iam = new IAMClient(config);
  const document = (statement: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', ...statement } });
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'writer',
      AssumeRolePolicyDocument: document({
        Principal: { Service: 'iot.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      ...{ RoleName: 'writer', PolicyName: 'put' },
      PolicyDocument: document({
        Action: 'dynamodb:PutItem',
        Resource: `arn:aws:dynamodb:${cloud.region}:${cloud.accountId}:table/${TableName}`,
      }),
    }),
  );
  await new IoTClient(config).send(
    new CreateTopicRuleCommand({
      ruleName: 'Telemetry',
      topicRulePayload: {
        sql: "SELECT topic(2) AS thing, timestamp() AS at, frequency, floor(timestamp() / 1000) + 60 AS expires FROM 'lambda/+/frequency'",
        awsIotSqlVersion: '2016-03-23',
        actions: [
          {
            dynamoDBv2: {
              roleArn: `arn:aws:iam::${cloud.accountId}:role/writer`,
              putItem: { tableName: TableName },
            },
          },
        ],
      },
    }),
  );
  const data = new IoTDataPlaneClient(config);
  await data.send(
    new PublishCommand({ topic: 'lambda/thing-1/frequency', payload: Buffer.from('{"frequency":2.5}') }),
  );
  const history = async () => {
    const query = new QueryCommand({
      TableName,
      KeyConditionExpression: 'thing = :t AND #at BETWEEN :a AND :b',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: {
        ':t': { S: 'thing-1' },
        ':a': { N: String(clock.now() - 120_000) },
        ':b': { N: String(clock.now()) },
      },
    });
    return (await db.send(query)).Items;
  };
  const expected = [expect.objectContaining({ thing: { S: 'thing-1' }, frequency: { N: '2.5' } })];
  await vi.waitFor(async () => expect(await history()).toEqual(expected), { timeout: 10_000 });
  clock.advance(110_000);
  expect(await history()).toEqual([]);
});
