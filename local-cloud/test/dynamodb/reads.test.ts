import {
  type AttributeValue,
  BatchWriteItemCommand,
  paginateQuery,
  paginateScan,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Item, startDatabase } from './support.js';

let database: Awaited<ReturnType<typeof startDatabase>>;

beforeAll(async () => {
  database = await startDatabase();
});

async function query(input: QueryCommandInput): Promise<Item[]> {
  const { Items = [] } = await database.db.send(new QueryCommand(input));
  return Items;
}

describe('a table sorted by numbers', () => {
  const TableName = 'telemetry';
  const times = [-20, -3.5, 0, 0.25, 7, 10, 100];

  beforeAll(async () => {
    await database.table(TableName, { sort: 'N' });
    for (const [index, at] of times.toReversed().entries()) {
      await database.put(TableName, {
        id: { S: 'dev' },
        at: { N: String(at) },
        even: { BOOL: index % 2 === 0 },
      });
      await database.put(TableName, { id: { S: 'other' }, at: { N: String(at) } });
    }
  });

  const between = (
    condition: string,
    values: Record<string, AttributeValue>,
    more: Partial<QueryCommandInput> = {},
  ) =>
    query({
      TableName,
      KeyConditionExpression: condition,
      ExpressionAttributeValues: { ':id': { S: 'dev' }, ...values },
      ...more,
    }).then((items) => items.map(({ at }) => Number(at?.N)));

  test.each<[string, Item, number[]]>([
    ['id = :id', {}, times],
    ['id = :id AND #at = :a', { ':a': { N: '7.0' } }, [7]],
    ['id = :id AND #at < :a', { ':a': { N: '0' } }, [-20, -3.5]],
    ['id = :id AND #at <= :a', { ':a': { N: '0' } }, [-20, -3.5, 0]],
    ['id = :id AND #at > :a', { ':a': { N: '7' } }, [10, 100]],
    ['#at >= :a and id = :id', { ':a': { N: '7' } }, [7, 10, 100]],
    ['id = :id AND #at = :a', { ':a': { N: '8' } }, []],
    ['id = :id AND (#at BETWEEN :a AND :b)', { ':a': { N: '1' }, ':b': { N: '2' } }, []],
    [':a < #at and id = :id', { ':a': { N: '7' } }, [10, 100]],
    ['id = :id AND (#at BETWEEN :a AND :b)', { ':a': { N: '-4' }, ':b': { N: '7' } }, [-3.5, 0, 0.25, 7]],
  ])('%s, forwards and backwards', async (condition, values, expected) => {
    const names = condition.includes('#at') ? { ExpressionAttributeNames: { '#at': 'at' } } : {};
    expect(await between(condition, values, names)).toEqual(expected);
    expect(await between(condition, values, { ...names, ScanIndexForward: false })).toEqual(
      expected.toReversed(),
    );
  });

  test('pages, of what the filter leaves', async () => {
    const found: number[] = [];
    let pages = 0;
    for await (const page of paginateQuery(
      { client: database.db, pageSize: 2 },
      {
        ...{ TableName, ScanIndexForward: false },
        KeyConditionExpression: 'id = :id',
        FilterExpression: 'even = :yes',
        ProjectionExpression: '#a',
        ExpressionAttributeNames: { '#a': 'at' },
        ExpressionAttributeValues: { ':id': { S: 'dev' }, ':yes': { BOOL: true } },
      },
    )) {
      pages += 1;
      expect(page.ScannedCount).toBeLessThanOrEqual(2);
      for (const item of page.Items ?? []) {
        expect(Object.keys(item)).toEqual(['at']);
        found.push(Number(item.at?.N));
      }
    }
    expect(found).toEqual([100, 7, 0, -20]);
    expect(pages).toBe(4);
  });

  test('COUNT answers without items', async () => {
    const answer = await database.db.send(
      new QueryCommand({
        ...{ TableName, Select: 'COUNT', ReturnConsumedCapacity: 'TOTAL' },
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: 'dev' } },
      }),
    );
    expect(answer).toMatchObject({ Count: 7, ScannedCount: 7, ConsumedCapacity: { CapacityUnits: 0.5 } });
    expect(answer.Items).toBeUndefined();
  });

  test.each<[Partial<QueryCommandInput>, string]>([
    [{}, 'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.'],
    [{ KeyConditionExpression: 'id > :id' }, 'Query key condition not supported'],
    [{ KeyConditionExpression: 'even = :id' }, 'Query condition missed key schema element: id'],
    [
      { KeyConditionExpression: 'id = :id OR id = :id' },
      'Invalid operator used in KeyConditionExpression: OR',
    ],
    [{ KeyConditionExpression: 'id = :n' }, 'Condition parameter type does not match schema type'],
    [{ KeyConditionExpression: 'id = :id AND even = :n' }, 'Query condition missed key schema element: at'],
    [
      { KeyConditionExpression: 'id = :id', FilterExpression: '#at = :n' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: at',
    ],
    [
      { KeyConditionExpression: 'id = :id', IndexName: 'none' },
      'The table does not have the specified index: none',
    ],
    [
      { KeyConditionExpression: 'id = :id', ExclusiveStartKey: { id: { S: 'dev' } } },
      'The provided starting key is invalid',
    ],
    [
      { KeyConditionExpression: 'id = :id', ExclusiveStartKey: { id: { S: 'other' }, at: { N: '1' } } },
      'The provided starting key is outside query boundaries',
    ],
    [{ KeyConditionExpression: 'id = :id', Limit: 0 }, 'Member must have value greater than or equal to 1'],
  ])('%j is refused', async (input, message) => {
    const used = JSON.stringify(input);
    const all: Item = { ':id': { S: 'dev' }, ':n': { N: '1' } };
    const values = Object.fromEntries(Object.entries(all).filter(([name]) => used.includes(name)));
    await expect(
      query({
        ...{ TableName, ...input },
        ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
        ...(used.includes('#at') && { ExpressionAttributeNames: { '#at': 'at' } }),
      }),
    ).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringContaining(message) });
  });
});

test('sort keys of any text and bytes are in the order of their bytes', async () => {
  await database.table('texts', { sort: 'S' });
  await database.table('blobs', { sort: 'B' });
  const texts = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }), {
    numRuns: 15,
    seed: 7,
  });
  const wanted = [...new Set([...texts, 'a', 'ab', 'abc', 'ab\u0000', 'b', 'x'.repeat(1024)])];
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));
  const put = (at: AttributeValue) => ({ PutRequest: { Item: { id: { S: 'i' }, at } } });
  for (let index = 0; index < wanted.length; index += 12) {
    const part = wanted.slice(index, index + 12);
    const RequestItems = {
      texts: part.map((text) => put({ S: text })),
      blobs: part.map((text) => put({ B: bytes(text) })),
    };
    await database.db.send(new BatchWriteItemCommand({ RequestItems }));
  }
  const sorted = wanted.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const condition = { KeyConditionExpression: 'id = :i', ExpressionAttributeValues: { ':i': { S: 'i' } } };
  const found = await query({ TableName: 'texts', ...condition });
  expect(found.map(({ at }) => at?.S)).toEqual(sorted);
  const blobs = await query({ TableName: 'blobs', ...condition });
  expect(blobs.map(({ at }) => Buffer.from(at?.B ?? []).toString())).toEqual(sorted);
  for (const ScanIndexForward of [true, false]) {
    const begun = await query({
      ...{ TableName: 'texts', ScanIndexForward },
      KeyConditionExpression: 'id = :i AND begins_with(#at, :start)',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':i': { S: 'i' }, ':start': { S: 'ab' } },
    });
    const expected = sorted.filter((text) => text.startsWith('ab'));
    expect(begun.map(({ at }) => at?.S)).toEqual(ScanIndexForward ? expected : expected.toReversed());
  }
});

describe('indexes', () => {
  const TableName = 'indexed';
  beforeAll(async () => {
    await database.table(TableName, {
      sort: 'N',
      AttributeDefinitions: [
        { AttributeName: 'kind', AttributeType: 'S' },
        { AttributeName: 'score', AttributeType: 'N' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-kind',
          KeySchema: [
            { AttributeName: 'kind', KeyType: 'HASH' },
            { AttributeName: 'score', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['extra'] },
        },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: 'by-score',
          KeySchema: [
            { AttributeName: 'id', KeyType: 'HASH' },
            { AttributeName: 'score', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
    for (let at = 0; at < 6; at += 1) {
      await database.put(TableName, {
        ...{ id: { S: 'a' }, at: { N: String(at) }, kind: { S: at < 4 ? 'red' : 'blue' } },
        ...{ score: { N: String(9 - Math.floor(at / 2)) }, extra: { S: 'e' }, secret: { S: 'h' } },
      });
    }
    await database.put(TableName, { id: { S: 'a' }, at: { N: '99' } });
  });

  test('a global index has its own key, order and attributes, and pages within equal keys', async () => {
    const input = {
      ...{ TableName, IndexName: 'by-kind', Limit: 1 },
      KeyConditionExpression: 'kind = :k',
      ExpressionAttributeValues: { ':k': { S: 'red' } },
    };
    const found: Item[] = [];
    for await (const page of paginateQuery({ client: database.db, pageSize: 1 }, input)) {
      found.push(...(page.Items ?? []));
    }
    expect(found.map(({ score }) => score?.N)).toEqual(['8', '8', '9', '9']);
    expect(new Set(found.map(({ at }) => at?.N))).toEqual(new Set(['0', '1', '2', '3']));
    expect(Object.keys(found[0] ?? {}).sort()).toEqual(['at', 'extra', 'id', 'kind', 'score']);
    await expect(query({ ...input, ConsistentRead: true })).rejects.toThrow(
      'Consistent reads are not supported on global secondary indexes',
    );
    await expect(query({ ...input, ProjectionExpression: 'secret' })).rejects.toThrow(
      'Global secondary index by-kind does not project [secret]',
    );
  });

  test('a local index fetches what it lacks; items without its key are not in it', async () => {
    const input = {
      ...{ TableName, IndexName: 'by-score' },
      KeyConditionExpression: 'id = :a AND score >= :r',
      ExpressionAttributeValues: { ':a': { S: 'a' }, ':r': { N: '8' } },
    };
    const keys = await query(input);
    expect(keys).toHaveLength(4);
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(['at', 'id', 'score']);
    const all = await query({ ...input, Select: 'ALL_ATTRIBUTES' });
    expect(all[0]).toMatchObject({ secret: { S: 'h' } });
    const { Count } = await database.db.send(new ScanCommand({ TableName, IndexName: 'by-score' }));
    expect(Count).toBe(6);
  });
});

test('a scan goes through all items once, also in segments', async () => {
  const TableName = 'scanned';
  await database.table(TableName);
  for (let index = 0; index < 60; index += 1) {
    await database.put(TableName, { id: { S: `item-${index}` }, n: { N: String(index % 3) } });
  }
  const scanned = async (Segment: number, TotalSegments: number) => {
    const ids: string[] = [];
    for await (const { Items = [] } of paginateScan(
      { client: database.db, pageSize: 7 },
      {
        ...{ TableName, Segment, TotalSegments },
        FilterExpression: 'n IN (:a, :b)',
        ExpressionAttributeValues: { ':a': { N: '0' }, ':b': { N: '2' } },
      },
    )) {
      ids.push(...Items.map(({ id }) => id?.S ?? ''));
    }
    return ids;
  };
  const whole = await scanned(0, 1);
  expect(whole).toHaveLength(40);
  const parts = await Promise.all([0, 1, 2].map((segment) => scanned(segment, 3)));
  expect(parts.flat().sort()).toEqual(whole.sort());
  expect(parts.every((part) => part.length < 40)).toBe(true);
  await expect(database.db.send(new ScanCommand({ TableName, Segment: 1 }))).rejects.toThrow(/TotalSegments/);
});

test('a page ends after a megabyte', async () => {
  const TableName = 'large';
  await database.table(TableName, { sort: 'N' });
  for (let at = 0; at < 4; at += 1) {
    await database.put(TableName, {
      id: { S: 'a' },
      at: { N: String(at) },
      b: { S: 'x'.repeat(390_000) },
    });
  }
  const { Items = [], LastEvaluatedKey } = await database.db.send(new ScanCommand({ TableName }));
  expect(Items).toHaveLength(3);
  expect(LastEvaluatedKey).toEqual({ id: { S: 'a' }, at: { N: '2' } });
});
