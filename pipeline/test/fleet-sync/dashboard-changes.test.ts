import { type AllowlistChanges, parseAllowlist } from '@mooring/contracts';
import type { AllowlistStore } from '@mooring/functions/allowlist';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyChanges, writeEffective } from '../../src/fleet-sync/dashboard-changes.js';

const change = (allowed: boolean) => ({ allowed, by: 'arn:aws:iam::1:root', at: 5 });

test('what the file says too is not pending, all else is put into it', () => {
  const merged = applyChanges('# fleet\na\nb\n', {
    c: change(true),
    b: change(false),
    a: change(true),
    d: change(false),
  });
  expect(merged.text).toBe('# fleet\na\nc\n');
  expect(merged.changes).toEqual([
    { serial: 'b', ...change(false), at: '1970-01-01T00:00:00.005Z' },
    { serial: 'c', ...change(true), at: '1970-01-01T00:00:00.005Z' },
  ]);
});

test('a merged list is the file’s but for the pending changes, and nothing is pending for it', () => {
  const serial: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd');
  const changes = fc.dictionary(serial, fc.boolean().map(change));
  fc.assert(
    fc.property(fc.uniqueArray(serial), changes, (listed, made) => {
      const { text, changes: open } = applyChanges(listed.join('\n'), made);
      const allowed = parseAllowlist(text);
      for (const one of ['a', 'b', 'c', 'd']) {
        expect(allowed.has(one)).toBe(made[one]?.allowed ?? listed.includes(one));
      }
      expect(open.every(({ serial: one }) => made[one] !== undefined)).toBe(true);
      expect(applyChanges(text, made).changes).toEqual([]);
    }),
  );
});

/** A store in memory; `beforeWrite` is what somebody does between reading and writing the list. */
function playedStore(list: string, changes: AllowlistChanges, beforeWrite: (() => void)[] = []) {
  const state = { list, changes };
  const store: AllowlistStore = {
    read: async () => state.list,
    async edit(edit) {
      beforeWrite.shift()?.();
      const before = state.list;
      state.list = edit(before);
      return state.list !== before;
    },
    changes: async () => state.changes,
    async editChanges(edit) {
      const before = state.changes;
      state.changes = edit(before);
      return state.changes !== before;
    },
  };
  return { store, state };
}

test('a removal on the dashboard is not undone by a list that is written at the same time', async () => {
  const { store, state } = playedStore('a\nb\n', {}, [
    () => {
      state.changes = { b: change(false) };
      state.list = 'a\n';
    },
  ]);
  const { changes } = await writeEffective(store, 'a\nb\n');
  expect(state.list).toBe('a\n');
  expect(changes.map(({ serial }) => serial)).toEqual(['b']);
  expect(Object.keys(state.changes)).toEqual(['b']);
});

test('what the file has taken over is forgotten', async () => {
  const { store, state } = playedStore('a\n', { a: change(true), b: change(false), c: change(true) });
  expect(await writeEffective(store, 'a\n')).toMatchObject({ text: 'a\nc\n', written: true });
  expect(Object.keys(state.changes)).toEqual(['c']);
});
