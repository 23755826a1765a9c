import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const page = new URL('../dist/page/', import.meta.url);
const html = readFileSync(new URL('index.html', page), 'utf8');

/** Compressed size of all that the first load fetches, in bytes. */
const FIRST_LOAD = 200_000;

test('the first load is small, all of it compressed', () => {
  const files = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path ?? '');
  expect(files.length).toBeGreaterThan(2);
  const sizes = ['index.html', ...files].map(
    (path) => gzipSync(readFileSync(new URL(path, page)), { level: 6 }).length,
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_LOAD);
});

test('nothing in the page is inline, as the content security policy wants it', () => {
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\bon\w+=/);
});
