import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { startDatabase } from './support.js';

test('items are deleted when their time has come', async () => {
  const clock = new ManualClock(Date.now());
  const database = await startDatabase({ clock });
  const { db } = database;
  const TableName = 'expiring';
  await database.table(TableName);
  const seconds = (offset: number) => ({ N: String(Math.floor(clock.now() / 1000) + offset) });
  const put = (id: string, expires: { N: string } | { S: string }) =>
    database.put(TableName, { id: { S: id }, expires });
  await put('before', seconds(70));
  const update = (Enabled: boolean, AttributeName = 'expires') =>
    db.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled, AttributeName } }));
  await update(true);
  await expect(update(true)).rejects.toThrow('TimeToLive is already enabled');
  await expect(update(true, 'other')).rejects.toThrow(/active on a different AttributeName/);
  expect((await db.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription).toEqual({
    TimeToLiveStatus: 'ENABLED',
    AttributeName: 'expires',
  });
  await put('soon', seconds(30));
  await put('prolonged', seconds(30));
  await put('prolonged', seconds(3600));
  await put('no-number', { S: 'x' });
  await put('long-ago', { N: '1000' });
  const left = async () => {
    const ids = ['before', 'soon', 'prolonged', 'no-number', 'long-ago'];
    const items = await Promise.all(ids.map((id) => database.get(TableName, { id: { S: id } })));
    return ids.filter((_, index) => items[index]);
  };
  clock.advance(25_000);
  expect(await left()).toHaveLength(5);
  clock.advance(35_000);
  expect(await left()).toEqual(['before', 'prolonged', 'no-number', 'long-ago']);
  clock.advance(30_000);
  expect(await left()).toEqual(['prolonged', 'no-number', 'long-ago']);
  await update(false);
  clock.advance(2 * 3_600_000);
  expect(await left()).toEqual(['prolonged', 'no-number', 'long-ago']);
  const { Table } = await db.send(new DescribeTableCommand({ TableName }));
  expect(Table?.ItemCount).toBe(3);
});
