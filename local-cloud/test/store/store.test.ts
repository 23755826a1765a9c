import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../src/store/store.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true, force: true });
});

test('entries come in order, by prefix, page by page, and survive reopening', async () => {
  const store = openStore(directory);
  const table = store.table<{ n: number }>('numbers');
  store.transaction(() => {
    for (const [index, name] of ['b/2', 'a', 'b/1', 'c', 'b/3'].entries()) table.put(name, { n: index });
  });
  await store.batch(() => table.put('b/4', { n: 9 }));
  await store.close();

  const again = openStore(directory);
  const numbers = again.table<{ n: number }>('numbers');
  const keys = (range?: object) => [...numbers.entries(range)].map(([name]) => name);
  expect(keys()).toEqual(['a', 'b/1', 'b/2', 'b/3', 'b/4', 'c']);
  expect(keys({ prefix: 'b/' })).toEqual(['b/1', 'b/2', 'b/3', 'b/4']);
  expect(keys({ prefix: 'b/', after: 'b/2', limit: 1 })).toEqual(['b/3']);
  expect(keys({ after: 'b/4' })).toEqual(['c']);
  expect(keys({ prefix: 'b/', from: 'b/3' })).toEqual(['b/3', 'b/4']);
  expect(keys({ prefix: 'b/', from: 'a', limit: 1 })).toEqual(['b/1']);
  const reverse = true;
  expect(keys({ reverse })).toEqual(['c', 'b/4', 'b/3', 'b/2', 'b/1', 'a']);
  expect(keys({ reverse, prefix: 'b/' })).toEqual(['b/4', 'b/3', 'b/2', 'b/1']);
  expect(keys({ reverse, prefix: 'b/', after: 'b/3', limit: 1 })).toEqual(['b/2']);
  expect(keys({ reverse, prefix: 'b/', from: 'b/2~' })).toEqual(['b/2', 'b/1']);
  expect(keys({ reverse, prefix: 'b/', from: 'c' })).toEqual(['b/4', 'b/3', 'b/2', 'b/1']);
  expect(keys({ reverse, prefix: 'b/', after: 'a' })).toEqual([]);
  expect(numbers.get('b/4')).toEqual({ n: 9 });
  expect(numbers.delete('b/4')).toBe(true);
  expect(numbers.delete('b/4')).toBe(false);
  await again.close();
});

test('a transaction that throws keeps nothing', async () => {
  const store = openStore(directory);
  const table = store.table<number>('t');
  expect(() =>
    store.transaction(() => {
      table.put('x', 1);
      throw new RangeError('no');
    }),
  ).toThrow(RangeError);
  expect(table.get('x')).toBeUndefined();
  await store.close();
});

test('a directory in use, of a newer version or not of ours is refused by name', async () => {
  const store = openStore(directory);
  expect(() => openStore(directory)).toThrow(
    expect.objectContaining({ code: 'StateDirectoryInUse', message: expect.stringContaining(directory) }),
  );
  await store.close();
  writeFileSync(join(directory, 'version'), '999\n');
  expect(() => openStore(directory)).toThrow(expect.objectContaining({ code: 'StateDirectoryNewer' }));
  writeFileSync(join(directory, 'version'), 'x\n');
  expect(() => openStore(directory)).toThrow(expect.objectContaining({ code: 'StateDirectoryUnreadable' }));
});

test('a directory that cannot be made is refused by name', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => openStore(join(file, 'state'))).toThrow(
    expect.objectContaining({ code: 'StateDirectoryNotWritable', message: expect.stringContaining(file) }),
  );
});

test('the lock of a process that ended is taken over', async () => {
  writeFileSync(join(directory, 'lock'), '999999999 1\n');
  await openStore(directory).close();
});

test('a place where the kernel makes no directories is refused at once', () => {
  expect(() => openStore('/proc/nowhere/state')).toThrow(
    expect.objectContaining({
      code: 'StateDirectoryNotWritable',
      message: expect.stringContaining('ENOENT'),
    }),
  );
});
