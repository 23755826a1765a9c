import { expect, test } from 'vitest';
import { chartDataOf, moved, zoomed } from '../../src/model/chart-data.js';

test('the last value goes on until now; live messages come after what was read', () => {
  const points = [
    { at: 1_000, frequency: 1, blinking: true, lowest: 0.5, highest: 2 },
    { at: 2_000, frequency: 2, blinking: false },
  ];
  const heard = [
    { at: 1_500, frequency: 9 },
    { at: 3_000, blinking: true },
    { at: 4_000, frequency: 4 },
  ];
  expect(chartDataOf(points, heard, 5_000)).toEqual({
    times: [1, 2, 3, 4, 5],
    frequencies: [1, 2, 2, 4, 4],
    lowest: [0.5, null, null, null, null],
    highest: [2, null, null, null, null],
    dark: [{ from: 2, to: 3 }],
  });
});

test('nothing known, nothing shown', () => {
  expect(chartDataOf([], [{ at: 1, blinking: false }], 5_000).times).toEqual([]);
});

test('it is dark until now', () => {
  expect(chartDataOf([{ at: 1_000, frequency: 1, blinking: false }], [], 3_000).dark).toEqual([
    { from: 1, to: 3 },
  ]);
});

test('zooms around the middle, and never into the future', () => {
  expect(zoomed({ from: 0, to: 100_000 }, 0.5, 1e9)).toEqual({ from: 25_000, to: 75_000 });
  expect(zoomed({ from: 0, to: 100_000 }, 2, 100_000)).toEqual({ from: -100_000, to: 100_000 });
  expect(zoomed({ from: 0, to: 12_000 }, 0.1, 1e9)).toEqual({ from: 1_000, to: 11_000 });
  expect(moved({ from: 0, to: 100 }, -0.5, 100)).toEqual({ from: -50, to: 50 });
  expect(moved({ from: 0, to: 100 }, 0.5, 120)).toEqual({ from: 20, to: 120 });
});
