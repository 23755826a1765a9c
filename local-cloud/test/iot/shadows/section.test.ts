import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isObject, type Json, type JsonObject } from '../../../src/services/iot/shadows/json.js';
import { NESTING } from '../../../src/services/iot/shadows/limits.js';
import { checkState, readRequest, readUpdate } from '../../../src/services/iot/shadows/request.js';
import {
  difference,
  EMPTY_SECTION,
  isEmpty,
  mergeSection,
  metadataOf,
  type Section,
} from '../../../src/services/iot/shadows/section.js';

/** Names that objects have of their own are names like any others. */
const names = fc.constantFrom('a', 'b', 'c', 'timestamp', '__proto__', 'constructor', 'toString');
const leaf = fc.oneof(fc.boolean(), fc.integer({ min: 0, max: 3 }), fc.constantFrom('', 'x', 'é'));
const { update } = fc.letrec<{ value: Json; item: Json; update: JsonObject }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 2 },
    leaf,
    fc.array(tie('item') as fc.Arbitrary<Json>, { maxLength: 3 }),
    objectOf(tie('item') as fc.Arbitrary<Json>),
  ),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    tie('item') as fc.Arbitrary<Json>,
    tie('update') as fc.Arbitrary<JsonObject>,
  ),
  update: objectOf(tie('value') as fc.Arbitrary<Json>),
}));

function objectOf(value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(names, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
}

/** The merge as its definition says it, over paths instead of trees. */
function paths(value: JsonObject, at: readonly string[] = []): [string, Json][] {
  return Object.entries(value).flatMap(([name, item]): [string, Json][] => {
    const path = [...at, name];
    return isObject(item) ? [[key(path), {}], ...paths(item, path)] : [[key(path), item]];
  });
}
const key = (path: readonly string[]) => path.map((name) => `/${name}`).join('');

function mergedPaths(before: JsonObject, change: JsonObject): Map<string, Json> {
  const merged = new Map(paths(before));
  for (const [path, value] of paths(change)) {
    if (value !== null && isObject(value) && isObject(merged.get(path))) continue;
    for (const other of merged.keys()) {
      if (other === path || other.startsWith(`${path}/`)) merged.delete(other);
    }
    if (value !== null) merged.set(path, value);
  }
  return merged;
}

const section = update.map((first) => mergeSection(EMPTY_SECTION, first, 1));
const text = (value: unknown) => JSON.stringify(value);

/** Asserts that metadata has a time exactly where the state has a leaf. */
function sameShape(state: Json, metadata: Json | undefined): void {
  if (Array.isArray(state)) {
    expect(Array.isArray(metadata) && metadata.length).toBe(state.length);
    for (const [index, item] of state.entries()) sameShape(item, (metadata as readonly Json[])[index]);
  } else if (isObject(state)) {
    expect(Object.keys(metadata as JsonObject).sort()).toEqual(Object.keys(state).sort());
    for (const [name, item] of Object.entries(state)) {
      sameShape(item, Object.entries(metadata as JsonObject).find(([other]) => other === name)?.[1]);
    }
  } else {
    expect(metadata).toEqual({ timestamp: expect.any(Number) });
  }
}

test('a merge sets what the update names, removes what it nulls, and leaves the rest', () => {
  fc.assert(
    fc.property(section, update, (before, change) => {
      const after = mergeSection(before, change, 2);
      const sorted = (entries: Iterable<[string, Json]>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(text(sorted(paths(after.state)))).toBe(text(sorted(mergedPaths(before.state, change))));
    }),
  );
});

test('the same update twice changes nothing but times', () => {
  fc.assert(
    fc.property(section, update, (before, change) => {
      const once = mergeSection(before, change, 2);
      expect(text(mergeSection(once, change, 3).state)).toBe(text(once.state));
    }),
  );
});

test('metadata has a time for every leaf, and a new one exactly for those that an update sets', () => {
  fc.assert(
    fc.property(section, update, (before, change) => {
      const after = mergeSection(before, change, 2);
      sameShape(after.state, after.metadata);
      const set = metadataOf(change, after.metadata);
      expect(text(set)).not.toContain('"timestamp":1}');
      expect(count(text(set), '"timestamp":2}')).toBe(count(text(after.metadata), '"timestamp":2}'));
    }),
  );
});
const count = (where: string, what: string) => where.split(what).length - 1;

test('reporting the difference leaves none, and reports nothing that is not desired', () => {
  fc.assert(
    fc.property(section, section, (desired, reported) => {
      const delta = difference(desired, reported);
      sameShape(delta.state, delta.metadata);
      const caughtUp = mergeSection(reported, nullsWhere(delta.state, reported.state), 2);
      const done: Section = mergeSection(caughtUp, delta.state, 3);
      expect(isEmpty(difference(desired, done))).toBe(true);
      expect(isEmpty(difference(desired, desired))).toBe(true);
    }),
  );
});

/** A report that first removes what stands in the way of an object: merging keeps members that are not named. */
function nullsWhere(delta: JsonObject, reported: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(delta).flatMap(([name, value]) => {
      const there = Object.entries(reported).find(([other]) => other === name)?.[1];
      if (there === undefined) return [];
      return isObject(value) && isObject(there) ? [[name, nullsWhere(value, there)]] : [[name, null as Json]];
    }),
  );
}

test.each([
  [{ a: 1 }, {}, { a: 1 }],
  [{ a: 1 }, { a: 1, b: 2 }, {}],
  [{ a: { b: 1, c: 2 } }, { a: { b: 1 } }, { a: { c: 2 } }],
  [{ a: { b: 1 } }, { a: 5 }, { a: { b: 1 } }],
  [{ a: [1, 2] }, { a: [2, 1] }, { a: [1, 2] }],
  [{ a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] }, {}],
  [{ a: '1' }, { a: 1 }, { a: '1' }],
])('of %j desired and %j reported the difference is %j', (desired, reported, expected) => {
  const of = (state: JsonObject) => mergeSection(EMPTY_SECTION, state, 1);
  expect(difference(of(desired), of(reported)).state).toEqual(expected);
});

test('whatever the bytes, a request is read or refused in AWS IoT’s words', () => {
  const payload = fc.oneof(
    fc.uint8Array(),
    fc.json().map((json) => Buffer.from(json)),
  );
  fc.assert(
    fc.property(payload, (bytes) => {
      for (const read of [readRequest, readUpdate]) {
        try {
          read(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ShadowError', code: expect.toBeOneOf([400, 415]) });
        }
      }
    }),
  );
});

const nested = (levels: number): JsonObject => (levels === 1 ? { leaf: 1 } : { level: nested(levels - 1) });

test.each([
  ['', 400, 'Invalid JSON'],
  ['[]', 400, 'Invalid JSON'],
  ['{}', 400, 'Missing required node: state'],
  ['{"state":1}', 400, 'State node must be an object'],
  ['{"state":{"desired":[]}}', 400, 'Desired node must be an object'],
  ['{"state":{"reported":"x"}}', 400, 'Reported node must be an object'],
  ['{"state":{"delta":{}}}', 400, 'State contains an invalid node'],
  ['{"state":{"desired":{"a":[null]}}}', 400, 'State contains an invalid node'],
  ['{"state":{},"version":"1"}', 400, 'Invalid version'],
  ['{"state":{},"version":1.5}', 400, 'Invalid version'],
  ['{"state":{},"clientToken":1}', 400, 'Invalid clientToken'],
  [`{"state":{},"clientToken":"${'é'.repeat(33)}"}`, 400, 'Invalid clientToken'],
])('the update %s is refused with %d %s', (json, code, message) => {
  expect(() => readUpdate(Buffer.from(json))).toThrow(expect.objectContaining({ code, message }));
});

test('bytes that are no UTF-8 and states that are too deep are refused', () => {
  expect(() => readUpdate(Uint8Array.of(0x7b, 0xff))).toThrow(expect.objectContaining({ code: 415 }));
  expect(() => checkState({ desired: nested(NESTING), reported: null })).not.toThrow();
  expect(() => checkState({ reported: nested(NESTING + 1) })).toThrow(
    'JSON contains too many levels of nesting; maximum is 8',
  );
});
