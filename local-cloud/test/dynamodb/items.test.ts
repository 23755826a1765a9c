import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Item, startDatabase } from './support.js';

let database: Awaited<ReturnType<typeof startDatabase>>;
const TableName = 'items';

beforeAll(async () => {
  database = await startDatabase();
  await database.table(TableName);
});

const item: Item = {
  id: { S: 'all-types' },
  text: { S: 'Zürich 🏔' },
  empty: { S: '' },
  number: { N: '12.50' },
  tiny: { N: '-1e-130' },
  bytes: { B: new Uint8Array([0, 255, 7]) },
  yes: { BOOL: false },
  nothing: { NULL: true },
  strings: { SS: ['b', 'a'] },
  numbers: { NS: ['2', '1.0'] },
  blobs: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
  list: { L: [{ N: '1' }, { M: { deep: { L: [] } } }] },
  map: { M: { __proto__x: { S: 'x' }, constructor: { S: 'y' } } },
};

test('an item of all types comes back as it was put, with its numbers in one form', async () => {
  await database.put(TableName, item);
  const kept = await database.get(TableName, { id: { S: 'all-types' } });
  expect(kept).toEqual({
    ...item,
    number: { N: '12.5' },
    tiny: { N: `-0.${'0'.repeat(129)}1` },
    numbers: { NS: ['2', '1'] },
  });
});

test.each([
  [{ id: { S: 'x' }, a: { N: 'abc' } }, 'The parameter cannot be converted to a numeric value: abc'],
  [{ id: { S: 'x' }, a: { N: '1e126' } }, /Number overflow/],
  [{ id: { S: 'x' }, a: { N: '1e-131' } }, /Number underflow/],
  [{ id: { S: 'x' }, a: { N: '1'.repeat(39) } }, /more than 38 significant digits/],
  [{ id: { S: 'x' }, a: { SS: [] } }, /string set\s+may not be empty/],
  [{ id: { S: 'x' }, a: { NS: ['1', '1.0'] } }, /contains duplicates/],
  [{ id: { S: 'x' }, a: { NULL: false } as never }, /Null attribute value types must have the value of true/],
  [{ id: { S: 'x' }, a: {} as never }, /must contain exactly one of the supported datatypes/],
  [{ id: { N: '1' } }, /Type mismatch for key id expected: S actual: N/],
  [{ other: { S: 'x' } }, /Missing the key id in the item/],
  [{ id: { S: '' } }, /cannot contain an empty string value. Key: id/],
  [{ id: { S: 'x' }, a: { S: 'x'.repeat(400 * 1024) } }, 'Item size has exceeded the maximum allowed size'],
] satisfies [Item, string | RegExp][])('a wrong item is not put (%#)', async (bad, message) => {
  await expect(database.put(TableName, bad)).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringMatching(message),
  });
});

test('ReturnValues tell what was there', async () => {
  const { db } = database;
  const Key = { id: { S: 'returned' } };
  const put = await db.send(
    new PutItemCommand({ TableName, Item: { ...Key, n: { N: '1' } }, ReturnValues: 'ALL_OLD' }),
  );
  expect(put.Attributes).toBeUndefined();
  const update = (ReturnValues: UpdateItemCommandInput['ReturnValues']) =>
    db.send(
      new UpdateItemCommand({
        ...{ TableName, Key, ReturnValues },
        UpdateExpression: 'ADD n :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      }),
    );
  expect((await update('UPDATED_OLD')).Attributes).toEqual({ n: { N: '1' } });
  expect((await update('UPDATED_NEW')).Attributes).toEqual({ n: { N: '3' } });
  expect((await update('ALL_NEW')).Attributes).toEqual({ ...Key, n: { N: '4' } });
  expect((await update('ALL_OLD')).Attributes).toEqual({ ...Key, n: { N: '4' } });
  const deleted = await db.send(
    new DeleteItemCommand({ TableName, Key, ReturnValues: 'ALL_OLD', ReturnConsumedCapacity: 'TOTAL' }),
  );
  expect(deleted).toMatchObject({
    Attributes: { ...Key, n: { N: '5' } },
    ConsumedCapacity: { TableName, CapacityUnits: 1 },
  });
  expect(await database.get(TableName, Key)).toBeUndefined();
});

test('a condition decides whether a write is done', async () => {
  const { db } = database;
  const put = new PutItemCommand({
    ...{ TableName, Item: { id: { S: 'once' }, v: { M: { a: { L: [{ N: '1' }] } } } } },
    ConditionExpression: 'attribute_not_exists(id)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  await db.send(put);
  const failure = await db.send(put).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConditionalCheckFailedException);
  expect(failure).toMatchObject({ message: 'The conditional request failed', Item: { id: { S: 'once' } } });
  // Maps and lists are compared member by member.
  await db.send(
    new DeleteItemCommand({
      ...{ TableName, Key: { id: { S: 'once' } } },
      ConditionExpression: 'v = :v',
      ExpressionAttributeValues: { ':v': { M: { a: { L: [{ N: '1.0' }] } } } },
    }),
  );
});

describe('update expressions', () => {
  const start: Item = {
    ...{ id: { S: 'u' }, n: { N: '10' }, s: { SS: ['a', 'b'] } },
    ...{ l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }] }, m: { M: { a: { N: '1' } } } },
  };
  async function updated(UpdateExpression: string, values: Item = {}, names: Record<string, string> = {}) {
    await database.put(TableName, start);
    const { Attributes } = await database.db.send(
      new UpdateItemCommand({
        ...{ TableName, Key: { id: { S: 'u' } }, UpdateExpression, ReturnValues: 'ALL_NEW' },
        ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
        ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      }),
    );
    return Attributes;
  }

  test.each<[string, Item, Item]>([
    ['SET n = n + :v', { ':v': { N: '0.1' } }, { n: { N: '10.1' } }],
    ['SET n = :v - n', { ':v': { N: '3' } }, { n: { N: '-7' } }],
    [
      'SET m.a = if_not_exists(m.a, :v), m.b = if_not_exists(m.b, :v)',
      { ':v': { N: '5' } },
      { m: { M: { a: { N: '1' }, b: { N: '5' } } } },
    ],
    [
      'SET l = list_append(:v, l)',
      { ':v': { L: [{ S: 'x' }] } },
      { l: { L: [{ S: 'x' }, { S: '0' }, { S: '1' }, { S: '2' }] } },
    ],
    [
      'SET l[9] = :v, l[0] = l[2]',
      { ':v': { S: 'end' } },
      { l: { L: [{ S: '2' }, { S: '1' }, { S: '2' }, { S: 'end' }] } },
    ],
    ['REMOVE l[0], l[1]', {}, { l: { L: [{ S: '2' }] } }],
    [
      'SET c = m, m.a = :v',
      { ':v': { N: '2' } },
      { c: { M: { a: { N: '1' } } }, m: { M: { a: { N: '2' } } } },
    ],
    [
      'ADD n :n, s :s, fresh :n',
      { ':n': { N: '-1' }, ':s': { SS: ['c', 'a'] } },
      { n: { N: '9' }, s: { SS: ['a', 'b', 'c'] }, fresh: { N: '-1' } },
    ],
    ['DELETE s :s', { ':s': { SS: ['a', 'z'] } }, { s: { SS: ['b'] } }],
    ['remove m set n = (:v)', { ':v': { N: '0' } }, { n: { N: '0' }, m: undefined as never }],
  ])('%s', async (expression, values, expected) => {
    const wanted = { ...start, ...expected };
    for (const [name, value] of Object.entries(expected)) if (value === undefined) delete wanted[name];
    expect(await updated(expression, values)).toEqual(wanted);
  });

  test('a set that loses all of its elements is gone', async () => {
    expect(await updated('DELETE s :s', { ':s': { SS: ['a', 'b'] } })).not.toHaveProperty('s');
  });

  test.each<[string, Item, string]>([
    ['', {}, 'Invalid UpdateExpression: The expression can not be empty;'],
    ['SET n', {}, 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "n"'],
    [
      'SET n = :x',
      { ':y': { N: '1' } },
      'An expression attribute value used in expression is not defined; attribute value: :x',
    ],
    [
      'SET n = :x',
      { ':x': { N: '1' }, ':y': { N: '1' } },
      'Value provided in ExpressionAttributeValues unused in expressions: keys: {:y}',
    ],
    [
      'SET #n = :x',
      { ':x': { N: '1' } },
      'An expression attribute name used in the document path is not defined; attribute name: #n',
    ],
    ['SET name = :x', { ':x': { N: '1' } }, 'Attribute name is a reserved keyword; reserved keyword: name'],
    [
      'SET n = :x, n = :x',
      { ':x': { N: '1' } },
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]',
    ],
    [
      'SET m.a = :x REMOVE m[0]',
      { ':x': { N: '1' } },
      'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m, [0]]',
    ],
    [
      'SET n = :x SET l = :x',
      { ':x': { N: '1' } },
      'The "SET" section can only be used once in an update expression;',
    ],
    ['SET id = :x', { ':x': { S: 'y' } }, 'Cannot update attribute id. This attribute is part of the key'],
    [
      'SET n = n + :x',
      { ':x': { S: 'y' } },
      'Incorrect operand type for operator or function; operator or function: +, operand type: S',
    ],
    [
      'SET n = l + :x',
      { ':x': { N: '1' } },
      'An operand in the update expression has an incorrect data type',
    ],
    ['SET n = nope', {}, 'The provided expression refers to an attribute that does not exist in the item'],
    [
      'SET nope.a = :x',
      { ':x': { N: '1' } },
      'The document path provided in the update expression is invalid for update',
    ],
    [
      'ADD n :x',
      { ':x': { S: 'y' } },
      'Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND',
    ],
    ['SET n = what(:x)', { ':x': { S: 'y' } }, 'Invalid function name; function: what'],
  ])('%s is refused', async (expression, values, message) => {
    await expect(updated(expression, values)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(message),
    });
  });
});

describe('random expressions', () => {
  const words = fc.constantFrom(
    ...['a', 'm.a', 'l[0]', '#n', ':v', ':s', '=', '<>', '<', '>=', '(', ')', ',', 'AND', 'or', 'NOT', 'IN'],
    ...['BETWEEN', 'size', 'contains', 'begins_with', 'attribute_exists', 'SET', 'REMOVE', 'ADD', 'DELETE'],
    ...['if_not_exists', 'list_append', '+', '-', '.', '[', ']', '9', '__proto__', 'constructor', '"', 'é'],
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 14 }).map((parts) => parts.join(' ')),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
  );
  const names = { '#n': '__proto__' };
  const values = { ':v': { N: '1' }, ':s': { SS: ['a'] } };

  test('are done or refused, and never fail', async () => {
    const Key = { id: { S: 'random' } };
    await database.put(TableName, { ...Key, a: { N: '1' }, l: { L: [] }, m: { M: {} } });
    await fc.assert(
      fc.asyncProperty(text, async (expression) => {
        const more = { ExpressionAttributeNames: names, ExpressionAttributeValues: values };
        const commands = [
          new UpdateItemCommand({ TableName, Key, UpdateExpression: expression, ...more }),
          new DeleteItemCommand({
            TableName,
            Key: { id: { S: 'none' } },
            ConditionExpression: expression,
            ...more,
          }),
          new GetItemCommand({
            TableName,
            Key,
            ProjectionExpression: expression,
            ExpressionAttributeNames: names,
          }),
        ];
        for (const command of commands) {
          const error = await database.db
            .send(command as UpdateItemCommand)
            .catch((reason: unknown) => reason);
          if (!(error instanceof Error)) continue;
          expect(['ValidationException', 'ConditionalCheckFailedException']).toContain(error.name);
        }
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    `${'('.repeat(2000)}a = :v${')'.repeat(2000)}`,
    `${'(a = :v AND '.repeat(200)}a = :v${')'.repeat(200)} x`,
    'NOT '.repeat(1000),
    `${'size('.repeat(700)}a`,
  ])('that are nested deeply are refused at once', async (ConditionExpression) => {
    const command = new DeleteItemCommand({
      ...{ TableName, Key: { id: { S: 'x' } }, ConditionExpression },
      ExpressionAttributeValues: { ':v': { N: '1' } },
    });
    await expect(database.db.send(command)).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

test('the parameters of before there were expressions still work', async () => {
  const { db } = database;
  const Key = { id: { S: 'legacy' } };
  await db.send(
    new UpdateItemCommand({
      ...{ TableName, Key },
      AttributeUpdates: {
        n: { Action: 'ADD', Value: { N: '2' } },
        s: { Action: 'PUT', Value: { S: 'x' } },
      },
      Expected: { id: { Exists: false } },
    }),
  );
  const read = await db.send(new GetItemCommand({ TableName, Key, AttributesToGet: ['n'] }));
  expect(read.Item).toEqual({ n: { N: '2' } });
  await expect(
    db.send(
      new DeleteItemCommand({
        ...{ TableName, Key },
        Expected: { n: { ComparisonOperator: 'GT', AttributeValueList: [{ N: '2' }] } },
      }),
    ),
  ).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
});
