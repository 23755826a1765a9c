import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { startDatabase } from './support.js';

const clock = new ManualClock(Date.now());
let database: Awaited<ReturnType<typeof startDatabase>>;
const TableName = 'accounts';

beforeAll(async () => {
  database = await startDatabase({ clock });
  await database.table(TableName);
  await database.table('others');
});

const key = (id: string) => ({ id: { S: id } });
const transact = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
  database.db.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }));
const plus = (id: string, n: number): TransactWriteItem => ({
  Update: {
    ...{ TableName, Key: key(id), UpdateExpression: 'ADD n :n' },
    ExpressionAttributeValues: { ':n': { N: String(n) } },
  },
});

test('a transaction is done wholly or not at all, and says what hindered it', async () => {
  await transact([plus('a', 5), { Put: { TableName: 'others', Item: { ...key('log'), n: { N: '1' } } } }]);
  const failure = await transact([
    plus('a', -5),
    {
      ConditionCheck: {
        ...{ TableName, Key: key('b'), ConditionExpression: 'attribute_exists(id)' },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    { Delete: { TableName: 'others', Key: key('log') } },
  ]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TransactionCanceledException);
  expect(failure).toMatchObject({
    message:
      'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None]',
    CancellationReasons: [
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
      { Code: 'None' },
    ],
  });
  const { Responses } = await database.db.send(
    new TransactGetItemsCommand({
      TransactItems: [
        { Get: { TableName, Key: key('a'), ProjectionExpression: 'n' } },
        { Get: { TableName: 'others', Key: key('log') } },
        { Get: { TableName, Key: key('b') } },
      ],
    }),
  );
  expect(Responses).toEqual([{ Item: { n: { N: '5' } } }, { Item: { ...key('log'), n: { N: '1' } } }, {}]);
});

test('a token names one transaction for ten minutes', async () => {
  await transact([plus('token', 1)], 'one');
  await transact([plus('token', 1)], 'one');
  await expect(transact([plus('token', 2)], 'one')).rejects.toMatchObject({
    name: 'IdempotentParameterMismatchException',
  });
  expect(await database.get(TableName, key('token'))).toMatchObject({ n: { N: '1' } });
  clock.advance(10 * 60 * 1000);
  await transact([plus('token', 2)], 'one');
  expect(await database.get(TableName, key('token'))).toMatchObject({ n: { N: '3' } });
});

test('what can be no transaction is refused', async () => {
  await expect(transact([plus('x', 1), plus('x', 2)])).rejects.toThrow(
    'Transaction request cannot include multiple operations on one item',
  );
  await expect(transact([])).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(transact([{ ...plus('x', 1), Delete: { TableName, Key: key('x') } }])).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('batches write and read items of several tables', async () => {
  const { db } = database;
  const items = Array.from({ length: 20 }, (_, index) => key(`batch-${index}`));
  await db.send(
    new BatchWriteItemCommand({
      RequestItems: {
        [TableName]: items.map((Item) => ({ PutRequest: { Item } })),
        others: [{ DeleteRequest: { Key: key('log') } }],
      },
    }),
  );
  const { Responses, UnprocessedKeys } = await db.send(
    new BatchGetItemCommand({
      RequestItems: { [TableName]: { Keys: items }, others: { Keys: [key('log')] } },
    }),
  );
  expect(Responses?.[TableName]).toHaveLength(20);
  expect([Responses?.others, UnprocessedKeys]).toEqual([[], {}]);
  const write = (RequestItems: NonNullable<BatchWriteItemCommand['input']['RequestItems']>) =>
    db.send(new BatchWriteItemCommand({ RequestItems }));
  await expect(
    write({ others: Array.from({ length: 26 }, (_, n) => ({ PutRequest: { Item: key(`${n}`) } })) }),
  ).rejects.toThrow('Too many items requested for the BatchWriteItem call');
  await expect(
    write({ others: [{ PutRequest: { Item: key('x') } }, { DeleteRequest: { Key: key('x') } }] }),
  ).rejects.toThrow('Provided list of item keys contains duplicates');
  await expect(write({ nowhere: [{ PutRequest: { Item: key('x') } }] })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('many items are read in as many calls as it takes', async () => {
  const { db } = database;
  const items = Array.from({ length: 60 }, (_, index) => key(`large-${index}`));
  for (const Item of items) await database.put('others', { ...Item, b: { S: 'x'.repeat(380_000) } });
  let left: Record<string, { Keys: typeof items }> | undefined = { others: { Keys: items } };
  const counts: number[] = [];
  while (left && Object.keys(left).length > 0) {
    const answer: Awaited<ReturnType<typeof read>> = await read(left);
    counts.push(answer.Responses?.others?.length ?? 0);
    left = answer.UnprocessedKeys as typeof left;
  }
  expect(counts).toEqual([44, 16]);

  function read(RequestItems: NonNullable<typeof left>) {
    return db.send(new BatchGetItemCommand({ RequestItems }));
  }
});
