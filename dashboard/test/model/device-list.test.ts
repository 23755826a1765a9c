import { expect, test } from 'vitest';
import { countsOf, listOf } from '../../src/model/device-list.js';
import type { FleetDevice } from '../../src/model/fleet.js';
import { rowsIn } from '../../src/model/rows.js';

const devices: FleetDevice[] = [
  { thing: 'b', summary: { thing: 'b', connected: true, health: 'HEALTHY' }, led: { frequency: 2, at: 1 } },
  { thing: 'a', summary: { thing: 'a', connected: false, health: 'UNHEALTHY' } },
  { thing: 'C', summary: { thing: 'C', rotation: { stage: 'issued', at: 5 } }, led: { frequency: 9, at: 1 } },
];
const names = (list: readonly FleetDevice[]) => list.map(({ thing }) => thing).join('');
const byName = { key: 'thing', descending: false } as const;

test('counts', () => {
  expect(countsOf(devices)).toEqual({ devices: 3, connected: 1, healthy: 1, unhealthy: 1, rotating: 1 });
});

test.each([
  ['all', 'Cab'],
  ['connected', 'b'],
  ['disconnected', 'Ca'],
  ['healthy', 'b'],
  ['unhealthy', 'a'],
  ['rotating', 'C'],
] as const)('shows %s', (show, expected) => {
  expect(names(listOf(devices, { text: '', show }, byName))).toBe(expected);
});

test('finds part of a name, whatever its case', () => {
  expect(names(listOf(devices, { text: ' c ', show: 'all' }, byName))).toBe('C');
});

test('sorts both ways; equal ones by name', () => {
  const all = { text: '', show: 'all' } as const;
  expect(names(listOf(devices, all, { key: 'led', descending: true }))).toBe('Cba');
  expect(names(listOf(devices, all, { key: 'connection', descending: false }))).toBe('Cab');
});

test('draws the rows that can be seen, and a few around them', () => {
  expect(rowsIn(0, 440, 1_000, 44)).toEqual({ first: 0, end: 16 });
  expect(rowsIn(4_400, 440, 1_000, 44)).toEqual({ first: 94, end: 116 });
  expect(rowsIn(0, 440, 3, 44)).toEqual({ first: 0, end: 3 });
  expect(rowsIn(44_000, 440, 3, 44)).toEqual({ first: 3, end: 3 });
});
