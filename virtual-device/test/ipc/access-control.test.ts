import { describe, expect, it } from 'vitest';
import { AccessControl } from '../../src/ipc/access-control.js';

const PUBLISH = 'aws.greengrass#PublishToTopic';
const PUBSUB = 'aws.greengrass.ipc.pubsub';

function check(configured: unknown) {
  const logged: string[] = [];
  const control = new AccessControl(
    (name) => (name === 'led' ? configured : undefined),
    (level, message) => logged.push(`${level}: ${message}`),
  );
  const isAllowed = (
    operation: string,
    resource: string,
    service: 'aws.greengrass.ipc.pubsub' | 'aws.greengrass.ipc.mqttproxy' | 'aws.greengrass.Cli' = PUBSUB,
  ) => {
    try {
      control.authorize({ componentName: 'led' }, service, operation, resource);
      return true;
    } catch {
      return false;
    }
  };
  return { control, isAllowed, logged };
}

const policy = (operations: unknown, resources: unknown) => ({
  [PUBSUB]: { 'led:1': { policyDescription: 'for tests', operations, resources } },
});

describe('access control', () => {
  it('allows what a policy names and nothing else', () => {
    const { isAllowed, logged } = check(policy([PUBLISH], ['a', 'b/*']));
    expect(isAllowed(PUBLISH, 'a')).toBe(true);
    expect(isAllowed(PUBLISH, 'b/c')).toBe(true);
    expect(isAllowed(PUBLISH, 'c')).toBe(false);
    expect(isAllowed('aws.greengrass#SubscribeToTopic', 'a')).toBe(false);
    expect(isAllowed(PUBLISH, 'a', 'aws.greengrass.ipc.mqttproxy')).toBe(false);
    expect(logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('takes * for every operation of the service', () => {
    const { isAllowed } = check(policy(['*'], ['*']));
    expect(isAllowed(PUBLISH, 'x')).toBe(true);
    expect(isAllowed(PUBLISH, 'x', 'aws.greengrass.Cli')).toBe(false);
  });

  it('reads members in any case, and the whole of it as JSON text', () => {
    const odd = { [PUBSUB]: { 'led:1': { Operations: [PUBLISH], RESOURCES: ['a'] } } };
    expect(check(odd).isAllowed(PUBLISH, 'a')).toBe(true);
    expect(check(JSON.stringify(odd)).isAllowed(PUBLISH, 'a')).toBe(true);
  });

  it('allows nothing without resources, or without a policy at all', () => {
    expect(check(policy([PUBLISH], undefined)).isAllowed(PUBLISH, 'a')).toBe(false);
    expect(check(undefined).isAllowed(PUBLISH, 'a')).toBe(false);
    const { control } = check(undefined);
    expect(() => control.authorize({ componentName: 'other' }, PUBSUB, PUBLISH, 'a')).toThrow(
      /Principal other/,
    );
  });

  it.each([
    ['text that is no JSON', 'x: y', /text but not JSON/],
    ['a list', [], /it is not a map/],
    ['a policy that is text', { [PUBSUB]: { 'led:1': 'x' } }, /led:1 is not a map/],
    ['resources that are text', policy([PUBLISH], 'a'), /resources of the policy led:1 are not a list/],
    ['an unknown member', { [PUBSUB]: { 'led:1': { operation: [PUBLISH] } } }, /unknown member "operation"/],
  ])('enforces none of the policies of %s, and says so once', (_what, configured, expected) => {
    const { isAllowed, logged } = check(configured);
    expect(isAllowed(PUBLISH, 'a')).toBe(false);
    expect(isAllowed(PUBLISH, 'b')).toBe(false);
    expect(logged.filter((line) => expected.test(line))).toHaveLength(1);
  });

  it.each([
    ['an operation it does not know', policy(['PublishToTopic', PUBLISH], ['a']), /operation PublishToTopic/],
    ['a resource with a bare ?', policy([PUBLISH], ['a', 'b?']), /"b\?"/],
    ['a service it does not know', { ...policy([PUBLISH], ['a']), 'aws.x': { p: {} } }, /aws\.x/],
    [
      'a policy without operations',
      { [PUBSUB]: { ...policy([PUBLISH], ['a'])[PUBSUB], empty: {} } },
      /empty/,
    ],
  ])('goes on without %s, and says so', (_what, configured, expected) => {
    const { isAllowed, logged } = check(configured);
    expect(isAllowed(PUBLISH, 'a')).toBe(true);
    expect(isAllowed(PUBLISH, 'b?')).toBe(false);
    expect(logged.some((line) => expected.test(line))).toBe(true);
  });

  it('follows the configuration as it changes, in place too', () => {
    const configured = policy([PUBLISH], ['a']);
    const { isAllowed } = check(configured);
    expect(isAllowed(PUBLISH, 'b')).toBe(false);
    configured[PUBSUB]['led:1'] = { policyDescription: '', operations: ['*'], resources: ['b'] };
    expect(isAllowed(PUBLISH, 'b')).toBe(true);
    expect(isAllowed(PUBLISH, 'a')).toBe(false);
  });

  it('lets the command manage the device, and nothing more', () => {
    const { control } = check(undefined);
    control.authorize({ cli: true }, 'aws.greengrass.Cli', 'aws.greengrass#CreateLocalDeployment', '*');
    expect(() => control.authorize({ cli: true }, PUBSUB, PUBLISH, 'a')).toThrow(/Principal greengrass-cli/);
  });
});
