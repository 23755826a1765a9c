import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { jobSummary } from '../src/job-summary.js';
import { Mooring } from './commands/mooring.js';

const root = mkdtempSync(join(tmpdir(), 'mooring-summary-'));
const path = join(root, 'summary.md');
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('nobody asks for it outside a workflow', () => {
  expect(jobSummary({})).toBeUndefined();
  expect(jobSummary({ GITHUB_STEP_SUMMARY: '' })).toBeUndefined();
});

test('a command adds its result, or why it failed, in Markdown', async () => {
  const env = { GITHUB_STEP_SUMMARY: path };
  expect((await new Mooring(['cost', '--json'], env).finished).code).toBe(0);
  expect((await new Mooring(['destroy', '--stack', 'dev'], env).finished).code).toBe(1);
  const [nothing, cost, destroy] = readFileSync(path, 'utf8').split(/^### /m);
  expect(nothing).toBe('\n');
  expect(cost).toMatch(/^`mooring cost --json`\n\n( {4}.*\n|\n)+$/);
  expect(cost).toContain('IoT Core');
  expect(destroy).toMatch(
    /^`mooring destroy --stack dev`\n\n\n\*\*Failed\*\*\n\n {4}This deletes the infrastructure of the stack dev/,
  );
});
