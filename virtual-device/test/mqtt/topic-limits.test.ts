import { describe, expect, it } from 'vitest';
import { topicProblem } from '../../src/mqtt/topic-limits.js';

const slashes = (count: number) => Array.from({ length: count + 1 }, () => 'a').join('/');

describe('a topic for AWS IoT Core', () => {
  it.each([
    ['publish', slashes(7)],
    ['publish', 'é'.repeat(128)],
    ['publish', `$aws/rules/rule/${slashes(7)}`],
    ['publish', `$aws/things/T/shadow/name/${'n'.repeat(300)}/update`],
    ['subscribe', 'a/+/#'],
    ['subscribe', `$share/group/${slashes(7)}`],
  ] as const)('may be used to %s: %s', (use, topic) => expect(topicProblem(topic, use)).toBeUndefined());

  it.each([
    ['publish', '', /empty/],
    ['publish', 'a/#', /wildcard/],
    ['publish', 'a+b', /wildcard/],
    ['publish', slashes(8), /7 forward slashes/],
    ['publish', 'é'.repeat(129), /256 bytes/],
    ['publish', `$aws/rules/rule/${slashes(8)}`, /7 forward slashes/],
    ['publish', `$aws/${'x'.repeat(600)}`, /512 bytes/],
    ['publish', 'a\0b', /null/],
    ['subscribe', slashes(8), /7 forward slashes/],
    ['subscribe', `$share/group/${slashes(8)}`, /7 forward slashes/],
  ] as const)('may not be used to %s: %s', (use, topic, problem) => {
    expect(topicProblem(topic, use)).toMatch(problem);
  });
});
