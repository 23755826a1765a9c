import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyPatch,
  jsonEquals,
  PatchError,
  parsePatch,
} from '../../src/services/cloudcontrol/json-patch.js';

const patch = (document: unknown, ...operations: unknown[]) =>
  applyPatch(document, parsePatch(JSON.stringify(operations)));

describe('examples of RFC 6902, appendix A', () => {
  test.each([
    ['A.1', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    [
      'A.2',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    ['A.3', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    ['A.4', { foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
    [
      'A.5',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'replace', path: '/baz', value: 'boo' }],
      { baz: 'boo', foo: 'bar' },
    ],
    [
      'A.6',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'A.7',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'A.10',
      { foo: 'bar' },
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      { foo: 'bar', child: { grandchild: {} } },
    ],
    [
      'A.11',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
      { foo: 'bar', baz: 'qux' },
    ],
    ['A.14', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [
      'A.16',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      { foo: ['bar', ['abc', 'def']] },
    ],
    ['whole document', { foo: 1 }, [{ op: 'replace', path: '', value: { bar: 2 } }], { bar: 2 }],
    ['copy', { a: { b: [1] } }, [{ op: 'copy', from: '/a/b', path: '/c' }], { a: { b: [1] }, c: [1] }],
  ])('%s', (_name, document, operations, expected) => {
    expect(patch(document, ...operations)).toEqual(expected);
  });

  test.each([
    ['A.9: a failed test', { baz: 'qux' }, { op: 'test', path: '/baz', value: 'bar' }],
    ['A.12: add to what is not there', { foo: 'bar' }, { op: 'add', path: '/baz/bat', value: 'qux' }],
    ['A.15: strings are not numbers', { '/': 9, '~1': 10 }, { op: 'test', path: '/~01', value: '10' }],
    ['index beyond the end', { foo: [1] }, { op: 'add', path: '/foo/2', value: 1 }],
    ['index with a leading zero', { foo: [1, 2] }, { op: 'remove', path: '/foo/01' }],
    ['remove what is not there', {}, { op: 'remove', path: '/foo' }],
    ['replace what is not there', {}, { op: 'replace', path: '/foo', value: 1 }],
    ['move into itself', { a: { b: {} } }, { op: 'move', from: '/a', path: '/a/b/c' }],
    ['a member that every object inherits', {}, { op: 'replace', path: '/constructor', value: 1 }],
    ['unknown operation', {}, { op: 'increment', path: '/foo' }],
    ['no value', {}, { op: 'add', path: '/foo' }],
    ['pointer without a slash', {}, { op: 'remove', path: 'foo' }],
    ['pointer with a bad escape', {}, { op: 'remove', path: '/~2' }],
    ['no object', {}, 7],
  ])('%s is refused', (_name, document, operation) => {
    expect(() => patch(document, operation)).toThrow(PatchError);
  });
});

test('the document that a patch is applied to stays as it is, also when the patch fails', () => {
  const document = { list: [1, 2], inner: { name: 'x' } };
  patch(document, { op: 'add', path: '/list/-', value: 3 }, { op: 'remove', path: '/inner/name' });
  expect(() => patch(document, { op: 'remove', path: '/list' }, { op: 'remove', path: '/none' })).toThrow(
    PatchError,
  );
  expect(document).toEqual({ list: [1, 2], inner: { name: 'x' } });
});

test('a member named __proto__ is an ordinary one', () => {
  const result = patch({}, { op: 'add', path: '/__proto__', value: { polluted: true } });
  expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true}}');
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test('any text is a patch, or refused with a PatchError', () => {
  const operation = fc.record(
    {
      op: fc.oneof(fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'), fc.string()),
      path: fc.oneof(
        fc.constantFrom('', '/', '/a', '/a/0', '/a/-', '/a/b/c', '/~0~1', '/__proto__'),
        fc.string(),
      ),
      from: fc.oneof(fc.constantFrom('', '/a', '/a/0', '/b'), fc.string()),
      value: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(operation, { maxLength: 6 }).map((list) => JSON.stringify(list)),
  );
  fc.assert(
    fc.property(fc.jsonValue(), text, (document, given) => {
      try {
        applyPatch(document, parsePatch(given));
      } catch (error) {
        if (!(error instanceof PatchError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test('what is added can be read back, tested and removed again', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.string(),
      fc.jsonValue(),
      (document, name, value) => {
        fc.pre(!Object.hasOwn(document, name));
        const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const plain = JSON.parse(JSON.stringify(value));
        const added = patch(document, { op: 'add', path, value: plain }, { op: 'test', path, value: plain });
        expect(jsonEquals(patch(added, { op: 'remove', path }), document)).toBe(true);
      },
    ),
  );
});
