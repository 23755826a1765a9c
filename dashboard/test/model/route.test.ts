import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hrefs, routeOf } from '../../src/model/route.js';

test.each([
  ['', { page: 'fleet' }],
  ['#/', { page: 'fleet' }],
  ['#/devices', { page: 'fleet' }],
  ['#/devices/a%3Ab', { page: 'device', thing: 'a:b' }],
  ['#/devices/%zz', { page: 'unknown' }],
  ['#/deployments/', { page: 'unknown' }],
  ['#/events/x', { page: 'unknown' }],
  ['#/sign-in', { page: 'sign-in' }],
])('%s', (hash, route) => {
  expect(routeOf(hash)).toEqual(route);
});

test('finds every device and deployment again, and takes any hash', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (name) => {
      expect(routeOf(hrefs.device(name))).toEqual({ page: 'device', thing: name });
      expect(routeOf(hrefs.deployment(name))).toEqual({ page: 'deployment', id: name });
      routeOf(`#${name}`);
    }),
  );
});
