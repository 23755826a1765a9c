import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import type { LiveState } from '../../src/cloud/live.js';
import { Connectivity } from '../../src/model/connectivity.js';
import { testClock } from '../support/test-clock.js';

test('tells of the loss, of the return for a moment, and has everything read anew once', () => {
  const clock = testClock();
  const live = signal<LiveState>('connecting');
  let again = 0;
  const connectivity = new Connectivity(live, clock, () => {
    again += 1;
  });
  expect(connectivity.reach.value).toBe('first');
  live.value = 'connected';
  expect(connectivity.reach.value).toBe('fine');
  live.value = 'lost';
  connectivity.heard(false);
  expect(connectivity.reach.value).toBe('lost');
  live.value = 'connected';
  // Messages come in again, but requests are not answered yet.
  expect(connectivity.reach.value).toBe('lost');
  expect(again).toBe(0);
  connectivity.heard(true);
  expect(connectivity.reach.value).toBe('back');
  expect(again).toBe(1);
  clock.advance(5_000);
  expect(connectivity.reach.value).toBe('fine');
  expect(again).toBe(1);
});
