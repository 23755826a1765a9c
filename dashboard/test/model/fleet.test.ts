import type { DeviceDetails, DeviceSummary } from '@mooring/contracts';
import { expect, test } from 'vitest';
import { Fleet } from '../../src/model/fleet.js';
import { testClock } from '../support/test-clock.js';

const frames = { next: (draw: () => void) => draw(), now: () => Number.POSITIVE_INFINITY };

function details(thing: string, more: Partial<DeviceDetails> = {}): DeviceDetails {
  return { thing, connected: true, components: [], certificates: [], deployments: [], ...more };
}

function fleetOf(pages: DeviceSummary[][]) {
  const clock = testClock();
  const asked: (readonly string[])[] = [];
  const reader = {
    fleet: async (next?: string) => {
      const page = Number(next ?? 0);
      return { devices: pages[page] ?? [], next: page + 1 < pages.length ? String(page + 1) : undefined };
    },
    devices: async (things: readonly string[]) => {
      asked.push(things);
      return { devices: things.map((thing) => details(thing)) };
    },
  };
  return { fleet: new Fleet(reader, clock, frames), clock, asked, pages };
}

test('reads page by page, and drops what is not there any more', async () => {
  const { fleet, pages } = fleetOf([[{ thing: 'a' }], [{ thing: 'b' }]]);
  await fleet.read();
  expect(fleet.all().map(({ thing }) => thing)).toEqual(['a', 'b']);
  expect(fleet.reading.value).toEqual({ state: 'complete' });
  pages[1] = [];
  await fleet.read();
  expect(fleet.all().map(({ thing }) => thing)).toEqual(['a']);
});

test('says why the list could not be read', async () => {
  const reader = {
    fleet: () => Promise.reject(new Error('throttled')),
    devices: async () => ({ devices: [] }),
  };
  const fleet = new Fleet(reader, testClock(), frames);
  await fleet.read();
  expect(fleet.reading.value).toEqual({ state: 'failed', problem: 'throttled' });
});

test('asks the details of what is looked at, 25 at once, and again after half a minute', async () => {
  const things = Array.from({ length: 40 }, (_, index) => ({ thing: `t${index}` }));
  const { fleet, asked, clock } = fleetOf([things]);
  await fleet.read();
  fleet.look(things.map(({ thing }) => thing));
  await fleet.readDetails();
  await expect.poll(() => asked.map(({ length }) => length)).toEqual([25, 15]);
  await fleet.readDetails();
  expect(asked).toHaveLength(2);
  clock.advance(30_000);
  fleet.look(['t3']);
  await expect.poll(() => asked.at(-1)).toEqual(['t3']);
});

test('asks again when a deployment reached a device that is looked at', async () => {
  const { fleet, asked } = fleetOf([[{ thing: 'a' }]]);
  await fleet.read();
  fleet.look(['a']);
  await expect.poll(() => asked).toHaveLength(1);
  await fleet.readDetails();
  fleet.apply({ kind: 'job', thing: 'a', jobId: 'j' });
  await expect.poll(() => asked).toHaveLength(2);
});

test('a live message is not undone by an index that is behind', async () => {
  const { fleet } = fleetOf([[{ thing: 'a', connected: true, connectionAt: 1_000 }]]);
  await fleet.read();
  fleet.apply({ kind: 'connection', thing: 'a', connected: false, at: 2_000 });
  await fleet.read();
  expect(fleet.get('a')?.summary).toMatchObject({ connected: false, connectionAt: 2_000 });
  fleet.apply({ kind: 'connection', thing: 'a', connected: true, at: 1_500 });
  expect(fleet.get('a')?.summary.connected).toBe(false);
});

test('messages change one device only, and leave the others the same objects', async () => {
  const { fleet } = fleetOf([[{ thing: 'a' }, { thing: 'b' }]]);
  await fleet.read();
  const before = fleet.get('b');
  fleet.apply({ kind: 'frequency', thing: 'a', frequency: 5 });
  fleet.apply({ kind: 'button', thing: 'a', blinking: false });
  fleet.apply({ kind: 'frequency', thing: 'unknown', frequency: 5 });
  expect(fleet.get('a')?.led).toMatchObject({ frequency: 5, blinking: false });
  expect(fleet.get('b')).toBe(before);
  expect(fleet.get('unknown')).toBeUndefined();
});

test('devices come and go by the events of their things', async () => {
  const { fleet, asked } = fleetOf([[{ thing: 'a' }]]);
  await fleet.read();
  fleet.apply({ kind: 'thing', thing: 'b', exists: true });
  await expect.poll(() => fleet.get('b')?.details).toBeDefined();
  expect(asked).toEqual([['b']]);
  fleet.apply({ kind: 'thing', thing: 'a', exists: false });
  expect(fleet.get('a')).toBeUndefined();
});

test('reads the list again after a minute, without a word', async () => {
  const { fleet, pages, clock } = fleetOf([[{ thing: 'a', health: 'HEALTHY' }]]);
  await fleet.read();
  pages[0] = [{ thing: 'a', health: 'UNHEALTHY' }];
  await fleet.readAgain();
  expect(fleet.get('a')?.summary.health).toBe('HEALTHY');
  clock.advance(60_000);
  await fleet.readAgain();
  expect(fleet.get('a')?.summary.health).toBe('UNHEALTHY');
  expect(fleet.reading.value).toEqual({ state: 'complete' });
});
