import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ComponentConfigurations } from '../../src/config/component-configuration.js';
import { EffectiveConfigStore } from '../../src/config/effective-config.js';
import type { JsonValue } from '../../src/ipc/capabilities.js';
import { temporaryFolder } from '../support/fixtures.js';

function setUp() {
  const path = join(temporaryFolder(), 'effectiveConfig.yaml');
  const store = EffectiveConfigStore.create(path, '2.15.0', {
    system: {
      rootpath: '/r',
      thingName: 'T',
      certificateFilePath: '/c',
      privateKeyPath: '/k',
      rootCaPath: '/ca',
    },
    nucleus: { awsRegion: 'eu-west-1', mqtt: { port: 1 } },
    components: {
      c: {
        version: '1.0.0',
        componentType: 'GENERIC',
        dependencies: ['d:HARD'],
        configuration: { a: { x: 1, y: [1] }, b: 2 },
      },
    },
    groups: { LOCAL_DEPLOYMENT: { c: { version: '1.0.0' } } },
    membership: [],
    lastDeployments: {},
  });
  const configurations = new ComponentConfigurations(store);
  const seen: string[] = [];
  const watch = (...keys: string[]) =>
    configurations.watch('c', keys, (path_) => seen.push(`${keys} ${path_.join('/')}`));
  return { path, store, configurations, seen, watch };
}

describe("components' configuration", () => {
  it('is on disk, and comes back as it was', () => {
    const { path, configurations, store } = setUp();
    configurations.update('c', ['a'], 10, { x: 2, z: { deep: null } });
    expect(configurations.get('c', [])).toEqual({ a: { x: 2, y: [1], z: { deep: null } }, b: 2 });
    const reopened = EffectiveConfigStore.open(path, '2.15.0');
    expect(reopened?.current).toEqual(store.current);
    expect(configurations.get('aws.greengrass.Nucleus', ['mqtt', 'port'])).toBe(1);
  });

  it('tells watches above and below a change, and only of changes', () => {
    const { configurations, seen, watch } = setUp();
    const off = watch();
    watch('a', 'x');
    watch('b');
    configurations.update('c', ['a'], 10, { x: 1 });
    expect(seen).toEqual([]);
    configurations.update('c', ['a'], 11, { x: 3, y: [1] });
    expect(seen).toEqual([' a/x', 'a,x a/x']);
    off();
    configurations.update('c', [], 12, { b: 3 });
    expect(seen).toEqual([' a/x', 'a,x a/x', 'b b']);
  });

  it('refuses an update older than what is there, one of a stranger, and one that is no object', () => {
    const { configurations } = setUp();
    configurations.update('c', ['b'], 100, 5);
    expect(() => configurations.update('c', ['b'], 99, 6)).toThrow(
      expect.objectContaining({ code: 'FailedUpdateConditionCheckError' }),
    );
    expect(configurations.get('c', ['b'])).toBe(5);
    expect(() => configurations.update('stranger', [], 1, {})).toThrow(
      expect.objectContaining({ code: 'ResourceNotFoundError' }),
    );
    expect(() => configurations.update('c', [], 200, 'x')).toThrow(
      expect.objectContaining({ code: 'InvalidArgumentsError' }),
    );
    expect(configurations.get('toString', [])).toBeUndefined();
    expect(configurations.get('c', ['__proto__'])).toBeUndefined();
  });

  it('takes many keys at once, and refuses what would hold up or stop the device', () => {
    const { configurations, seen, watch, store } = setUp();
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key${index}`, index]));
    watch('many', 'key7');
    configurations.update('c', ['many'], 1, many);
    expect(configurations.get('c', ['many'])).toEqual(many);
    expect(seen).toEqual(['many,key7 many/key7']);
    const before = store.current;
    const tooLarge = Object.fromEntries(
      Array.from({ length: 400_000 }, (_, index) => [`key${index}`, index]),
    );
    expect(() => configurations.update('c', ['many'], 2, tooLarge)).toThrow(/would have \d+ bytes/);
    let tooDeep: JsonValue = 1;
    for (let depth = 0; depth < 100_000; depth++) tooDeep = depth % 2 === 0 ? [tooDeep] : { a: tooDeep };
    expect(() => configurations.update('c', ['deep'], 2, tooDeep)).toThrow(/nested deeper/);
    const path = Array.from({ length: 70 }, () => 'a');
    expect(() => configurations.update('c', path, 2, 1)).toThrow(/nested deeper/);
    expect(store.current).toBe(before);
    configurations.update('c', ['b'], 1, 3);
  });
});
