import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FilterPolicyError,
  type Properties,
  parseFilterPolicy,
  type Scope,
} from '../../src/services/sns/filter-policy.js';

const matches = (policy: object, properties: Properties, scope: Scope = 'MessageBody') =>
  parseFilterPolicy(JSON.stringify(policy), scope).matches(properties);

test.each<[name: string, policy: object, matching: Properties[], others: Properties[]]>([
  ['texts', { a: ['x', 'y'] }, [{ a: 'x' }, { a: ['z', 'y'] }], [{ a: 'X' }, { b: 'x' }, {}, { a: 1 }]],
  ['numbers', { a: [1, 2.5] }, [{ a: 1 }, { a: 2.5 }], [{ a: '1' }, { a: 3 }]],
  [
    'true, false and null',
    { a: [true, null] },
    [{ a: true }, { a: null }],
    [{ a: false }, {}, { a: 'true' }],
  ],
  ['prefix', { a: [{ prefix: 'ab' }] }, [{ a: 'abc' }, { a: 'ab' }], [{ a: 'a' }, { a: 1 }]],
  ['suffix', { a: [{ suffix: 'bc' }] }, [{ a: 'abc' }], [{ a: 'bcd' }]],
  ['wildcard', { a: [{ wildcard: 'a*c*e' }] }, [{ a: 'abcde' }, { a: 'ace' }], [{ a: 'ac' }, { a: 'aced' }]],
  ['equals-ignore-case', { a: [{ 'equals-ignore-case': 'Ab' }] }, [{ a: 'aB' }], [{ a: 'abc' }]],
  [
    'anything-but a text',
    { a: [{ 'anything-but': 'x' }] },
    [{ a: 'y' }, { a: ['x', 'y'] }],
    [{ a: 'x' }, {}],
  ],
  ['anything-but several', { a: [{ 'anything-but': ['x', 1] }] }, [{ a: 2 }], [{ a: 'x' }, { a: 1 }]],
  ['anything-but a prefix', { a: [{ 'anything-but': { prefix: 'x' } }] }, [{ a: 'y' }], [{ a: 'xy' }]],
  ['exists', { a: [{ exists: true }] }, [{ a: '' }, { a: null }], [{ b: 1 }]],
  ['does not exist', { a: [{ exists: false }] }, [{ b: 1 }, {}], [{ a: 1 }]],
  ['numeric', { a: [{ numeric: ['=', 3] }] }, [{ a: 3 }], [{ a: '3' }, { a: 4 }]],
  ['numeric range', { a: [{ numeric: ['>', 0, '<=', 5] }] }, [{ a: 5 }, { a: 0.1 }], [{ a: 0 }, { a: 6 }]],
  ['cidr', { a: [{ cidr: '10.0.0.0/24' }] }, [{ a: '10.0.0.7' }], [{ a: '10.0.1.7' }, { a: 'x' }]],
  ['all names', { a: ['x'], b: ['y'] }, [{ a: 'x', b: 'y', c: 1 }], [{ a: 'x' }]],
  ['nested names', { a: { b: ['x'] } }, [{ a: { b: 'x' } }, { a: [{ b: 'z' }, { b: 'x' }] }], [{ a: 'x' }]],
  [
    'nested names of one element',
    { a: { b: ['x'], c: ['y'] } },
    [{ a: [{ b: 'x', c: 'y' }] }],
    [{ a: [{ b: 'x' }, { c: 'y' }] }],
  ],
  [
    '$or',
    { a: ['x'], $or: [{ b: [1] }, { c: [2] }] },
    [
      { a: 'x', b: 1 },
      { a: 'x', c: 2 },
    ],
    [{ a: 'x' }, { b: 1 }],
  ],
  ['$or as a name', { $or: ['x'] }, [{ $or: 'x' }], [{}]],
])('%s', (_name, policy, matching, others) => {
  for (const properties of matching)
    expect([properties, matches(policy, properties)]).toEqual([properties, true]);
  for (const properties of others)
    expect([properties, matches(policy, properties)]).toEqual([properties, false]);
});

describe('policies that are none', () => {
  test.each([
    '',
    '[]',
    '"x"',
    '{"a":"x"}',
    '{"a":[]}',
    '{"a":[{}]}',
    '{"a":[{"unknown":1}]}',
    '{"a":[{"prefix":1}]}',
    '{"a":[{"prefix":"a","suffix":"b"}]}',
    '{"a":[{"numeric":["=","1"]}]}',
    '{"a":[{"numeric":["<",1,">",0]}]}',
    '{"a":[{"numeric":[">",5,"<",1]}]}',
    '{"a":[{"numeric":["~",5]}]}',
    '{"a":[{"exists":"yes"}]}',
    '{"a":[{"cidr":"10.0.0.0"}]}',
    '{"a":[{"wildcard":"a**b"}]}',
    '{"a":[{"anything-but":[]}]}',
    '{"a":[{"anything-but":{"numeric":["=",1]}}]}',
    '{"a":[2000000000]}',
    '{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}',
    JSON.stringify({
      a: Array.from({ length: 13 }, (_, n) => n),
      b: Array.from({ length: 12 }, (_, n) => n),
    }),
  ])('%s', (text) => {
    expect(() => parseFilterPolicy(text, 'MessageBody')).toThrow(FilterPolicyError);
  });

  test('attributes have no nested names', () => {
    expect(() => parseFilterPolicy('{"a":{"b":["x"]}}', 'MessageAttributes')).toThrow(/nested/);
  });
});

test('any text is read or refused, and what is read matches or does not', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.record({ prefix: fc.string() }),
    fc.record({ wildcard: fc.string() }),
    fc.record({ exists: fc.boolean() }),
    fc.record({ numeric: fc.array(fc.oneof(fc.constantFrom('=', '<', '>'), fc.integer())) }),
    fc.record({ 'anything-but': fc.jsonValue() }),
  );
  const policy = fc.dictionary(
    fc.constantFrom('a', 'b', '$or', '__proto__'),
    fc.oneof(fc.array(leaf), fc.jsonValue()),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        policy.map((value) => JSON.stringify(value)),
        fc.json(),
        fc.string(),
      ),
      fc.constantFrom<Scope>('MessageAttributes', 'MessageBody'),
      fc.dictionary(fc.constantFrom('a', 'b', '$or'), fc.jsonValue()),
      (text, scope, properties) => {
        try {
          expect(typeof parseFilterPolicy(text, scope).matches(properties)).toBe('boolean');
        } catch (error) {
          expect(error).toBeInstanceOf(FilterPolicyError);
        }
      },
    ),
  );
});

test('a text is matched by itself, and by each of its beginnings and ends', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), (text, at) => {
      const cut = 1 + (at % text.length);
      expect(matches({ a: [text] }, { a: text })).toBe(true);
      expect(matches({ a: [{ prefix: text.slice(0, cut) }] }, { a: text })).toBe(true);
      expect(matches({ a: [{ suffix: text.slice(-cut) }] }, { a: text })).toBe(true);
      expect(matches({ a: [{ 'anything-but': [text] }] }, { a: text })).toBe(false);
    }),
  );
});
