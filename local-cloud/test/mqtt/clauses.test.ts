import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The normative statements of MQTT 5 that a folder names, each with a file that does. */
function clauses(folder: URL): Map<string, string> {
  const found = new Map<string, string>();
  const root = fileURLToPath(folder);
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts')) continue;
    for (const [tag] of readFileSync(join(root, entry), 'utf8').matchAll(/\[MQTT-\d+\.\d+\.\d+-\d+\]/g)) {
      found.set(tag, entry);
    }
  }
  return found;
}

const code = clauses(new URL('../../src/mqtt/', import.meta.url));
const tests = clauses(new URL('./', import.meta.url));
const only = (one: Map<string, string>, other: Map<string, string>) =>
  [...one].filter(([tag]) => !other.has(tag)).map(([tag, file]) => `${tag} ${file}`);

test('every clause that the code names is proven by a test', () => {
  expect(code.size).toBeGreaterThan(100);
  expect(only(code, tests)).toEqual([]);
});

test('every clause that a test proves is named in the code', () => {
  expect(only(tests, code)).toEqual([]);
});
