import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { ProcessGroups } from '../../src/component/process-groups.js';
import { startScript } from '../../src/component/script.js';
import { GreengrassLogs } from '../../src/log/greengrass-log.js';
import { DEFAULT_LOG_BOUNDS } from '../../src/log/log-file.js';
import { temporaryFolder } from '../support/fixtures.js';

it('a component that prints a million lines fills no disk and stops nobody else', async () => {
  const folder = temporaryFolder();
  const groups = new ProcessGroups(join(folder, 'processes.json'), { name: 'MARK', value: folder });
  onTestFinished(() => groups.close());
  const logs = new GreengrassLogs(folder, systemClock);
  const files = () => readdirSync(folder).filter((name) => /^loud.*\.log$/.test(name));
  const total = () => files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  let largest = 0;
  let turns = 0;
  let lines = 0;
  let isRunning = true;
  const others = () => {
    turns++;
    if (turns % 50 === 0) largest = Math.max(largest, total());
    if (isRunning) setImmediate(others);
  };
  setImmediate(others);
  const script = startScript({
    component: 'loud',
    command: [
      '/bin/sh',
      '-c',
      'yes "a line of a component that does not stop" | head -n 1000000; echo; echo the end',
    ],
    cwd: folder,
    environment: { PATH: process.env.PATH, MARK: folder },
    groups,
    clock: systemClock,
    onLine(stream, message) {
      lines++;
      logs.component('loud', { level: 'info', thread: 'Copier', logger: 'loud', event: stream, message });
    },
  });
  expect(await script.exited).toEqual({ code: 0, signal: null });
  await script.end(0);
  isRunning = false;
  expect(lines).toBe(1_000_002);
  // libuv reads a pipe at most 32 times in a row, each time up to 64 KiB, before others have their turn.
  expect(turns).toBeGreaterThanOrEqual(20);
  expect(Math.max(largest, total())).toBeLessThanOrEqual(DEFAULT_LOG_BOUNDS.totalBytes);
  expect(files().length).toBeGreaterThan(5);
  expect(readFileSync(join(folder, 'loud.log'), 'utf8')).toMatch(/the end\. \{\}\n$/);
});
