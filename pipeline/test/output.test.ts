import { expect, test } from 'vitest';
import { table } from '../src/output.js';

test('columns are as wide as their widest cell, and colours count for nothing', () => {
  const green = '\u001b[32mon\u001b[39m';
  expect(
    table(
      ['DEVICE', 'STATE'],
      [
        ['a', green],
        ['longer-name', 'off'],
      ],
    ),
  ).toBe(`DEVICE       STATE\na            ${green}\nlonger-name  off`);
});

test('no rows leave the header', () => {
  expect(table(['A', 'B'], [])).toBe('A  B');
});
