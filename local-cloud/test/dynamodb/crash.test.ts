import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DescribeTableCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { startCommand } from '../support/command.js';
import { client } from './support.js';

test('killed at any time, what was acknowledged is there, and transactions are whole', async () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'dynamodb-crash-'));
  atEnd(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const TableName = 'pairs';
  let cloud = await startCommand(stateDirectory);
  let db = client(cloud);
  await db.send(
    new CreateTableCommand({
      ...{ TableName, BillingMode: 'PAY_PER_REQUEST' },
      AttributeDefinitions: [
        { AttributeName: 'id', AttributeType: 'S' },
        { AttributeName: 'n', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'id', KeyType: 'HASH' },
        { AttributeName: 'n', KeyType: 'RANGE' },
      ],
    }),
  );
  let acknowledged = 0;
  let enough: () => void = () => {};
  const counted = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const writing = (async () => {
    for (let n = 1; ; n += 1) {
      const TransactItems = ['left', 'right'].map((id) => ({
        Put: { TableName, Item: { id: { S: id }, n: { N: String(n) } } },
      }));
      try {
        await db.send(new TransactWriteItemsCommand({ TransactItems }));
      } catch {
        return;
      }
      acknowledged = n;
      if (n === 20) enough();
    }
  })();
  await counted;
  await cloud.end('SIGKILL');
  await writing;

  cloud = await startCommand(stateDirectory);
  db = client(cloud);
  const numbers = async (id: string) => {
    const { Items = [] } = await db.send(
      new QueryCommand({
        ...{ TableName, KeyConditionExpression: 'id = :id' },
        ExpressionAttributeValues: { ':id': { S: id } },
      }),
    );
    return Items.map(({ n }) => Number(n?.N));
  };
  const [left, right] = [await numbers('left'), await numbers('right')];
  expect(left).toEqual(right);
  expect([acknowledged, acknowledged + 1]).toContain(left.length);
  expect(left).toEqual(Array.from(left, (_, index) => index + 1));
  const { Table } = await db.send(new DescribeTableCommand({ TableName }));
  expect(Table?.ItemCount).toBe(2 * left.length);
});
