import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/ipc/capabilities.js';
import { parsePointer, valueAt } from '../../src/json.js';
import { interpolate, type Variables } from '../../src/recipe/interpolation.js';

function variables(configuration: JsonValue): Variables {
  const of = (name: string, own: JsonValue) => ({
    configuration: own,
    artifactsPath: `/v2/packages/artifacts/${name}/1.0.0`,
    decompressedPath: `/v2/packages/artifacts-unarchived/${name}/1.0.0`,
    workPath: `/v2/work/${name}`,
  });
  return {
    self: 'me',
    thingName: 'T',
    rootPath: '/v2',
    component: (name) => {
      if (name === 'me') return of('me', configuration);
      return name === 'com.example.dep' ? of(name, { port: 80 }) : undefined;
    },
  };
}

const CONFIGURATION = { text: 'a b', deep: { 'x/y': [1, { z: null }] }, on: true, tricky: '{iot:thingName}' };

describe('recipe variables', () => {
  it.each([
    ['{configuration:/text}', 'a b'],
    ['{configuration:/deep/x~1y/1}', '{"z":null}'],
    ['{configuration:/deep/x~1y/0}{configuration:/on}', '1true'],
    ['{configuration:/absent} {configuration:text}', '{configuration:/absent} {configuration:text}'],
    [
      '{configuration:/__proto__} {configuration:/text/length}',
      '{configuration:/__proto__} {configuration:/text/length}',
    ],
    ['{artifacts:path}/x', '/v2/packages/artifacts/me/1.0.0/x'],
    ['{artifacts:decompressedPath}', '/v2/packages/artifacts-unarchived/me/1.0.0'],
    ['{work:path} {kernel:rootPath} {iot:thingName}', '/v2/work/me /v2 T'],
    ['{com.example.dep:configuration:/port}', '80'],
    ['{com.example.dep:artifacts:path}', '/v2/packages/artifacts/com.example.dep/1.0.0'],
    ['{stranger:configuration:/port} {artifacts:other}', '{stranger:configuration:/port} {artifacts:other}'],
    ['{configuration:/tricky}', '{iot:thingName}'],
    ['$' + '{HOME} {not a variable} {}', '$' + '{HOME} {not a variable} {}'],
  ])('%s', (text, expected) => {
    expect(interpolate(text, variables(CONFIGURATION))).toBe(expected);
  });

  it('replaces what a pointer names and leaves the text around it alone', () => {
    const plain = fc.string().filter((text) => !/[{}]/.test(text));
    const key = fc.string({ minLength: 1 }).filter((text) => !/[{}:/~]/.test(text) && text !== '__proto__');
    fc.assert(
      fc.property(plain, plain, key, fc.string(), (before, after, name, value) => {
        const text = `${before}{configuration:/${name}}${after}`;
        expect(interpolate(text, variables({ [name]: value }))).toBe(`${before}${value}${after}`);
      }),
    );
  });

  it('leaves any text without variables as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (/\{[^{}]*:[^{}]*\}/.test(text)) return;
        expect(interpolate(text, variables({}))).toBe(text);
      }),
    );
  });
});

describe('JSON pointers', () => {
  it('finds every value of any JSON', () => {
    const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
    const check = (root: JsonValue, node: JsonValue, pointer: string): void => {
      const path = parsePointer(pointer);
      expect(path && valueAt(root, path)).toEqual(node);
      if (typeof node !== 'object' || node === null) return;
      for (const [key, child] of Object.entries(node)) check(root, child, `${pointer}/${escaped(key)}`);
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        check(value as JsonValue, value as JsonValue, '');
      }),
    );
  });

  it('refuses what is none', () => {
    for (const text of ['a', '~', '/~2', '/a~']) expect(parsePointer(text)).toBeUndefined();
  });
});
