import { expect, test } from 'vitest';
import { Reading } from '../../src/model/reading.js';

function deferred() {
  const waiting: ((result: string | Error) => void)[] = [];
  const read = () =>
    new Promise<string>((resolve, reject) => {
      waiting.push((result) => (result instanceof Error ? reject(result) : resolve(result)));
    });
  return { waiting, read };
}

test('one reading after the other; many wishes meanwhile are one', async () => {
  const { waiting, read } = deferred();
  const reading = new Reading<string>();
  reading.ask('a', read);
  reading.ask('a', read);
  reading.ask('a', read);
  expect(waiting).toHaveLength(1);
  waiting[0]?.('first');
  await expect.poll(() => waiting.length).toBe(2);
  expect(reading.resource.value).toEqual({ value: 'first', loading: true, problem: undefined });
  waiting[1]?.(new Error('throttled'));
  await expect.poll(() => reading.resource.value.problem).toBe('throttled');
  expect(reading.resource.value.value).toBe('first');
  expect(waiting).toHaveLength(2);
});

test('what was asked for before is not shown for something else', async () => {
  const { waiting, read } = deferred();
  const reading = new Reading<string>();
  reading.ask('a', read);
  reading.ask('b', read);
  waiting[1]?.('of b');
  waiting[0]?.('of a');
  await expect.poll(() => reading.resource.value.value).toBe('of b');
});
