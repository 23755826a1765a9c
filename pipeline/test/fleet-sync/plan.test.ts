import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ThingFacts } from '../../src/fleet-sync/facts.js';
import { planSync, removalToConfirm } from '../../src/fleet-sync/plan.js';

const factsOf = (...things: readonly ThingFacts[]) => new Map(things.map((facts) => [facts.thing, facts]));
const inFleet = (thing: string): ThingFacts => ({ thing, inGroup: true, marked: true });

test.each<[string, ThingFacts, boolean, string]>([
  ['listed and whole', inFleet('A'), true, 'keep'],
  ['listed, its group gone', { thing: 'A', inGroup: false, marked: true }, true, 'attach'],
  ['listed, from before there were marks', { thing: 'A', inGroup: true, marked: false }, true, 'attach'],
  ['listed, made by hand', { thing: 'A', inGroup: false, marked: false }, true, 'attach'],
  ['taken off', inFleet('A'), false, 'remove'],
  ['taken off while the group was gone', { thing: 'A', inGroup: false, marked: true }, false, 'remove'],
])('a device that is %s', (_, facts, listed, fate) => {
  const plan = planSync(new Set(listed ? ['A'] : []), factsOf(facts));
  expect(Object.entries(plan).filter(([, things]) => things.length > 0)).toEqual([[fate, ['A']]]);
});

test("somebody else's thing is left alone", () => {
  const plan = planSync(new Set(), factsOf({ thing: 'theirs', inGroup: false, marked: false }));
  expect(plan).toEqual({ remove: [], attach: [], keep: [], waiting: [] });
});

test('with verify, what seems in order is attached again', () => {
  expect(planSync(new Set(['A']), factsOf(inFleet('A')), { verify: true }).attach).toEqual(['A']);
});

test.each([
  [10, 1, undefined],
  [10, 2, 2],
  [1, 1, 1],
  [10_000, 1_000, undefined],
  [10_000, 1_001, 1_001],
  [5, 0, undefined],
])('of %i devices, removing %i has to be confirmed by %s', (fleet, removed, confirmed) => {
  const things = Array.from({ length: fleet }, (_, index) => String(index));
  const plan = planSync(new Set(things.slice(removed)), factsOf(...things.map(inFleet)));
  expect(plan.remove).toHaveLength(removed);
  expect(removalToConfirm(plan)).toBe(confirmed);
});

test('every listed device and every device of the fleet has one place in the plan', () => {
  const thing = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const facts = fc
    .uniqueArray(fc.record({ thing, inGroup: fc.boolean(), marked: fc.boolean() }), {
      selector: (one) => one.thing,
    })
    .map((things) => factsOf(...things));
  fc.assert(
    fc.property(fc.uniqueArray(thing), facts, fc.boolean(), (listed, found, verify) => {
      const { remove, attach, keep, waiting } = planSync(new Set(listed), found, { verify });
      const placed = [...remove, ...attach, ...keep, ...waiting];
      expect(new Set(placed).size).toBe(placed.length);
      expect([...attach, ...keep, ...waiting].sort()).toEqual([...listed].sort());
      for (const name of remove) expect(listed).not.toContain(name);
      expect(verify ? keep : []).toEqual([]);
    }),
  );
});
