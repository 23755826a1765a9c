import { expect, test } from 'vitest';
import { markText, parseMark } from '../../src/components/catalogue.js';

test('the mark of a broken version is read as it was written', () => {
  const mark = { since: '2026-11-22T22:00:00.000Z', devices: 12 };
  expect(parseMark(markText(mark))).toEqual(mark);
  expect(markText(mark)).toMatch(/^[a-zA-Z0-9+\-=._:/@ ]{1,256}$/);
});

test('a mark in other words still is one', () => {
  expect(parseMark('do not use')).toEqual({ since: '', devices: 0 });
  expect(parseMark('')).toEqual({ since: '', devices: 0 });
  expect(parseMark(undefined)).toBeUndefined();
});
