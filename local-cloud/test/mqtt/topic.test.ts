import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MqttError, ReasonCode } from '../../src/mqtt/errors.js';
import { AWS_IOT_CORE_LIMITS as limits } from '../../src/mqtt/limits.js';
import { SubscriptionTree } from '../../src/mqtt/subscription-tree.js';
import { checkTopicName, matches, parseFilter } from '../../src/mqtt/topic.js';

describe('matching', () => {
  test.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['+/+', '/x', true],
    ['+', '/x', false],
    ['#', 'a/b/c', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a/', true],
    // AWS IoT Core: "the parent topic is not matched".
    ['a/#', 'a', false],
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/d', false],
    // [MQTT-4.7.2-1]
    ['#', '$aws/x', false],
    ['+/x', '$aws/x', false],
    ['$aws/#', '$aws/x', true],
    ['$aws/+', '$aws/x', true],
    // [MQTT-4.7.3-4] Names are compared as they are.
    ['A', 'a', false],
    ['e\u0301', '\u00e9', false],
  ])('%s and %s: %s', (filter, topic, expected) => {
    expect(matches(filter, topic)).toBe(expected);
    const tree = new SubscriptionTree<string>();
    tree.add(filter, 'x');
    expect(tree.match(topic)).toEqual(expected ? ['x'] : []);
  });

  const level = fc.constantFrom('', 'a', 'b', '$aws', 'c');
  const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean(), level)
    .map(([levels, hash, last]) => [...levels, hash ? '#' : last].join('/'));

  test('the tree finds what the definition says, whatever was added and deleted', () => {
    const change = fc.record({ filter, add: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.array(topic, { maxLength: 10 }),
        (changes, topics) => {
          const tree = new SubscriptionTree<string>();
          const there = new Set<string>();
          for (const { filter: text, add } of changes) {
            if (add) tree.add(text, text);
            else tree.delete(text, text);
            if (add) there.add(text);
            else there.delete(text);
            // Between changes, so that what is remembered of a topic has to be forgotten again.
            for (const name of topics) {
              const expected = [...there].filter((one) => matches(one, name)).sort();
              expect([...tree.match(name)].sort()).toEqual(expected);
            }
          }
          for (const text of there) tree.delete(text, text);
          expect(tree.empty).toBe(true);
        },
      ),
    );
  });
});

describe('validity', () => {
  const codeOf = (work: () => unknown) => {
    try {
      work();
      return undefined;
    } catch (error) {
      return error instanceof MqttError ? error.reasonCode : error;
    }
  };

  test.each([
    ['a', true],
    ['/', true],
    ['a b/ü/日本', true],
    [`${'a/'.repeat(7)}a`, true],
    [`${'a/'.repeat(8)}a`, false],
    ['x'.repeat(256), true],
    ['x'.repeat(257), false],
    ['ü'.repeat(129), false],
    // The first three segments of Basic Ingest do not count.
    [`$aws/rules/name/${'a/'.repeat(7)}a`, true],
    [`$aws/rules/name/${'x'.repeat(256)}`, true],
    // [MQTT-4.7.3-1]
    ['', false],
    // [MQTT-4.7.0-1] [MQTT-3.3.2-2]
    ['a/#', false],
    ['a/+/b', false],
    ['a\u0001', false],
  ])('topic name %j: %s', (topic, valid) => {
    expect(codeOf(() => checkTopicName(topic, limits))).toBe(valid ? undefined : ReasonCode.TopicNameInvalid);
  });

  test.each([
    ['a/+/#', undefined, true],
    ['#', undefined, true],
    ['$share/g/a/#', 'g', true],
    ['$share/g//', 'g', true],
    [`$share/${'g'.repeat(128)}/${'a/'.repeat(7)}a`, 'g'.repeat(128), true],
    // [MQTT-4.7.3-1]
    ['', undefined, false],
    // [MQTT-4.7.1-1]
    ['a/#/b', undefined, false],
    ['a#', undefined, false],
    // [MQTT-4.7.1-2]
    ['a+/b', undefined, false],
    // [MQTT-4.8.2-1]
    ['$share//a', undefined, false],
    ['$share/g+/a', undefined, false],
    [`$share/${'g'.repeat(129)}/a`, undefined, false],
    // [MQTT-4.8.2-2]
    ['$share/g', undefined, false],
    ['$share/g/', undefined, false],
    [`${'a/'.repeat(8)}a`, undefined, false],
    ['x'.repeat(257), undefined, false],
  ])('topic filter %j, group %s: %s', (text, shareName, valid) => {
    if (valid) expect(parseFilter(text, limits)).toMatchObject({ shareName });
    else expect(codeOf(() => parseFilter(text, limits))).toBe(ReasonCode.TopicFilterInvalid);
  });

  test('nothing but an MqttError comes of any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((s) => `$share/${s}`),
        ),
        (text) => {
          expect([undefined, ReasonCode.TopicNameInvalid]).toContain(
            codeOf(() => checkTopicName(text, limits)),
          );
          expect([undefined, ReasonCode.TopicFilterInvalid]).toContain(
            codeOf(() => parseFilter(text, limits)),
          );
        },
      ),
    );
  });
});
