import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonObject } from '../../src/deploy/json.js';
import { MooringError } from '../../src/errors.js';
import {
  mergeOver,
  parseDeploymentFile,
  parseMerge,
  parseReset,
  without,
} from '../../src/rollout/configuration.js';

describe('deployment.yaml', () => {
  it('names components, with versions and configuration', () => {
    const text = `
components:
  aws.greengrass.LogManager:
    version: "2.3.9"
    merge: { logsUploaderConfiguration: { periodic: 5 } }
  docker_led:
    reset: [/led/class]
  os_update:
`;
    expect(parseDeploymentFile(text, 'f')).toEqual({
      'aws.greengrass.LogManager': {
        version: '2.3.9',
        merge: { logsUploaderConfiguration: { periodic: 5 } },
        reset: [],
      },
      docker_led: { version: undefined, merge: {}, reset: ['/led/class'] },
      os_update: { version: undefined, merge: {}, reset: [] },
    });
  });

  it.each(['', 'components:', '# nothing'])('may be as good as empty: %j', (text) => {
    expect(parseDeploymentFile(text, 'f')).toEqual({});
  });

  it.each([
    ['components: [', 'f is not YAML'],
    ['component: {}', 'f: it: Unrecognized key: "component"'],
    ['components: { "a b": {} }', 'f: components.a b'],
    ['components: { a: { version: latest } }', 'f: components.a.version: is not a version'],
    ['components: { a: { merge: 1 } }', 'f: components.a.merge'],
    ['components: { a: { reset: [x] } }', 'f: components.a.reset.0: is not a JSON pointer'],
  ])('%j is refused in a sentence', (text, problem) => {
    expect(() => parseDeploymentFile(text, 'f')).toThrow(problem);
  });

  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `components: ${json}`),
        ),
        (text) => {
          try {
            parseDeploymentFile(text, 'f');
          } catch (error) {
            expect(error).toBeInstanceOf(MooringError);
          }
        },
      ),
    );
  });
});

describe('arguments', () => {
  it('say what to merge and to reset', () => {
    expect(parseMerge('docker_led={"a":"x=y"}')).toEqual({ component: 'docker_led', merge: { a: 'x=y' } });
    expect(parseReset('docker_led=/led/class')).toEqual({ component: 'docker_led', pointer: '/led/class' });
    expect(parseReset('docker_led=')).toEqual({ component: 'docker_led', pointer: '' });
  });

  it.each(['', '=', '={}', 'docker_led', 'docker_led=', 'docker_led=1', 'docker_led=[]', 'a b={}'])(
    '%j merges nothing',
    (text) => {
      expect(() => parseMerge(text)).toThrow(MooringError);
    },
  );

  it.each(['', '=/a', 'docker_led', 'docker_led=a'])('%j resets nothing', (text) => {
    expect(() => parseReset(text)).toThrow(MooringError);
  });
});

describe('configurations', () => {
  it.each<[JsonObject, JsonObject, JsonObject]>([
    [{}, { a: 1 }, { a: 1 }],
    [{ a: { b: 1, c: 2 } }, { a: { b: 3 } }, { a: { b: 3, c: 2 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{ a: { b: 1 } }, { a: null }, { a: null }],
    [{ a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
  ])('%j below %j is %j', (below, above, merged) => {
    expect(mergeOver(below, above)).toEqual(merged);
  });

  it.each<[JsonObject, string, JsonObject]>([
    [{ a: 1, b: 2 }, '/a', { b: 2 }],
    [{ a: { b: 1, c: 2 } }, '/a/b', { a: { c: 2 } }],
    [{ 'a/b': 1 }, '/a~1b', {}],
    [{ a: 1 }, '/x/y', { a: 1 }],
    [{ a: 1 }, '/a/b', { a: 1 }],
    [{ a: 1 }, '', {}],
  ])('%j without %j is %j', (document, pointer, left) => {
    expect(without(document, pointer)).toEqual(left);
  });

  it('keep what they are merged of, and take all of what is on top', () => {
    const json = fc.json().map((text) => JsonObject.safeParse(JSON.parse(text)).data ?? {});
    fc.assert(
      fc.property(json, json, (below, above) => {
        const before = JSON.stringify(below);
        const merged = mergeOver(below, above);
        expect(JSON.stringify(below)).toBe(before);
        expect(mergeOver(merged, above)).toEqual(merged);
        expect(Object.keys(merged)).toEqual(expect.arrayContaining(Object.keys(above)));
      }),
    );
  });
});
